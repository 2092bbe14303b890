// Looks up one person in the test region of `ponte index serve --test`.
//
// With io.grpc:grpc-netty, grpc-protobuf, grpc-stub and what they need in `lib`, and protoc-gen-grpc-java beside protoc:
//
//     protoc -I proto --java_out=gen --grpc-java_out=gen $(find proto -name '*.proto')
//     javac -cp 'lib/*' -sourcepath gen -d classes Lookup.java
//     java -cp 'classes:lib/*' Lookup ponte-test localhost:8443 CODICE_FISCALE

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import ponte.consultation.v1.AccessContextOuterClass.AccessContext;
import ponte.consultation.v1.AccessContextOuterClass.Assurance;
import ponte.consultation.v1.AccessContextOuterClass.Urgency;
import ponte.consultation.v1.ConsultationServiceGrpc;
import ponte.consultation.v1.ConsultationServiceOuterClass.LookupPersonRequest;
import ponte.ledger.v1.ReceiptOuterClass.Receipt;
import ponte.ledger.v1.ReceiptOuterClass.ReceiptForm;

public final class Lookup {
    // Only UNAVAILABLE is tried again, with a wait of random length: the same request id makes a repeat safe.
    private static final Map<String, ?> POLICY = Map.of("methodConfig", List.of(Map.of(
            "name", List.of(Map.of("service", "ponte.consultation.v1.ConsultationService")),
            "retryPolicy", Map.of(
                    "maxAttempts", 4.0,
                    "initialBackoff", "0.1s",
                    "maxBackoff", "2s",
                    "backoffMultiplier", 2.0,
                    "retryableStatusCodes", List.of("UNAVAILABLE")))));

    /** A mutual TLS connection with the identity of the test region's police. */
    private static ManagedChannel connect(Path directory, String endpoint) throws IOException {
        var pki = directory.resolve("pki");
        var tls = GrpcSslContexts.forClient()
                .protocols("TLSv1.3")
                .trustManager(pki.resolve("authority.pem").toFile())
                .keyManager(pki.resolve("police.pem").toFile(), pki.resolve("police.key").toFile())
                .build();
        return NettyChannelBuilder.forTarget(endpoint)
                .sslContext(tls)
                .defaultServiceConfig(POLICY)
                .enableRetry()
                .build();
    }

    /** On what ground and for whom the call is made: it is entered in the access log. */
    private static AccessContext ground() {
        return AccessContext.newBuilder()
                .setAgreement("prova-polizia")
                .setPurpose("public-order")
                .setOperator("m.rossi")
                .setAssurance(Assurance.ASSURANCE_SUBSTANTIAL)
                .setWorkstation("sala-operativa-2")
                .setCaseReference("PROT-2026/118")
                .setRequestId(UUID.randomUUID().toString())
                .setUrgency(Urgency.URGENCY_ORDINARY)
                .build();
    }

    /** As C2SP tlog-proof text, which `ponte audit receipt verify` and other tools prove without the index. */
    private static void save(Receipt receipt, Path file) throws IOException {
        var base64 = Base64.getEncoder();
        var lines = new ArrayList<>(List.of(
                "c2sp.org/tlog-proof@v1",
                "extra " + base64.encodeToString(receipt.getHeader().toByteArray()),
                "index " + receipt.getIndex()));
        receipt.getPathList().forEach(hash -> lines.add(base64.encodeToString(hash.toByteArray())));
        Files.writeString(file, String.join("\n", lines) + "\n\n" + receipt.getCheckpoint());
    }

    public static void main(String[] arguments) throws IOException {
        var directory = Path.of(arguments[0]);
        var channel = connect(directory, arguments[1]);
        var service = ConsultationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
        var request = LookupPersonRequest.newBuilder()
                .setContext(ground())
                .setTaxCode(arguments[2])
                .setReceiptForm(ReceiptForm.RECEIPT_FORM_FULL)
                .build();
        try {
            var answer = service.lookupPerson(request);
            for (var person : answer.getPersonsList()) {
                var born = person.getBirthDate();
                System.out.printf("%s %s, %d-%02d-%02d%n", person.getSurname(), person.getGivenName(),
                        born.getYear(), born.getMonth(), born.getDay());
            }
            save(answer.getReceipt().getFull(), directory.resolve("receipt.proof"));
            System.out.printf("entry %d, receipt saved%n", answer.getReceipt().getFull().getIndex());
        } catch (StatusRuntimeException error) {
            // The description is the index's own words, in Italian.
            System.err.println(error.getStatus().getCode() + ": " + error.getStatus().getDescription());
            System.exit(1);
        } finally {
            channel.shutdownNow();
        }
    }
}
