// Looks up one person in the test region of `ponte index serve --test`.
//
//     npm install @grpc/grpc-js @grpc/proto-loader
//     node lookup.js proto ponte-test localhost:8443 CODICE_FISCALE
"use strict";

const { randomUUID } = require("node:crypto");
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const SERVICE = "ponte/consultation/v1/consultation_service.proto";

// Only UNAVAILABLE is tried again, with a wait of random length: the same request id makes a repeat safe.
const POLICY = {
  methodConfig: [
    {
      name: [{ service: "ponte.consultation.v1.ConsultationService" }],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.1s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

// A mutual TLS connection with the identity of the test region's police.
function connect(protoDirectory, directory, endpoint) {
  const options = { includeDirs: [protoDirectory], keepCase: true, longs: String, enums: String, defaults: true };
  const { ponte } = grpc.loadPackageDefinition(protoLoader.loadSync(SERVICE, options));
  const read = (name) => readFileSync(join(directory, "pki", name));
  const credentials = grpc.credentials.createSsl(read("authority.pem"), read("police.key"), read("police.pem"));
  const channel = { "grpc.service_config": JSON.stringify(POLICY) };
  return new ponte.consultation.v1.ConsultationService(endpoint, credentials, channel);
}

// On what ground and for whom the call is made: it is entered in the access log.
function ground() {
  return {
    agreement: "prova-polizia",
    purpose: "public-order",
    operator: "m.rossi",
    assurance: "ASSURANCE_SUBSTANTIAL",
    workstation: "sala-operativa-2",
    case_reference: "PROT-2026/118",
    request_id: randomUUID(),
    urgency: "URGENCY_ORDINARY",
  };
}

// As C2SP tlog-proof text, which `ponte audit receipt verify` and other tools prove without the index.
function save({ header, index, path, checkpoint }, file) {
  const hashes = path.map((hash) => hash.toString("base64"));
  const lines = ["c2sp.org/tlog-proof@v1", `extra ${header.toString("base64")}`, `index ${index}`, ...hashes];
  writeFileSync(file, `${lines.join("\n")}\n\n${checkpoint}`);
}

const [protoDirectory, directory, endpoint, code] = process.argv.slice(2);
const service = connect(protoDirectory, directory, endpoint);
const request = { context: ground(), tax_code: code, receipt_form: "RECEIPT_FORM_FULL" };
service.LookupPerson(request, { deadline: Date.now() + 10_000 }, (error, answer) => {
  service.close();
  if (error) {
    // The details are the index's own words, in Italian.
    console.error(`${grpc.status[error.code]}: ${error.details}`);
    process.exitCode = 1;
    return;
  }
  for (const { surname, given_name, birth_date } of answer.persons) {
    const two = (number) => String(number).padStart(2, "0");
    const born = `${birth_date.year}-${two(birth_date.month)}-${two(birth_date.day)}`;
    console.log(`${surname} ${given_name}, ${born}`);
  }
  save(answer.receipt.full, join(directory, "receipt.proof"));
  console.log(`entry ${answer.receipt.full.index}, receipt saved`);
});
