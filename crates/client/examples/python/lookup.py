"""Looks up one person in the test region of `ponte index serve --test`.

    pip install grpcio grpcio-tools
    python -m grpc_tools.protoc -I proto --python_out=gen --grpc_python_out=gen $(find proto -name '*.proto')
    PYTHONPATH=gen python lookup.py ponte-test localhost:8443 CODICE_FISCALE
"""

import base64
import json
import pathlib
import sys
import uuid

import grpc

from ponte.consultation.v1 import (
    access_context_pb2,
    consultation_service_pb2,
    consultation_service_pb2_grpc,
)
from ponte.ledger.v1 import receipt_pb2

# Only UNAVAILABLE is tried again, with a wait of random length: the same request id makes a repeat safe.
POLICY = {
    "methodConfig": [
        {
            "name": [{"service": "ponte.consultation.v1.ConsultationService"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def connect(directory, endpoint):
    """A mutual TLS connection with the identity of the test region's police."""

    def read(name):
        return (pathlib.Path(directory) / "pki" / name).read_bytes()

    credentials = grpc.ssl_channel_credentials(read("authority.pem"), read("police.key"), read("police.pem"))
    return grpc.secure_channel(endpoint, credentials, [("grpc.service_config", json.dumps(POLICY))])


def ground():
    """On what ground and for whom the call is made: it is entered in the access log."""
    return access_context_pb2.AccessContext(
        agreement="prova-polizia",
        purpose="public-order",
        operator="m.rossi",
        assurance=access_context_pb2.ASSURANCE_SUBSTANTIAL,
        workstation="sala-operativa-2",
        case_reference="PROT-2026/118",
        request_id=str(uuid.uuid4()),
        urgency=access_context_pb2.URGENCY_ORDINARY,
    )


def save(receipt, path):
    """As C2SP tlog-proof text, which `ponte audit receipt verify` and other tools prove without the index."""

    def line(data):
        return base64.b64encode(data).decode()

    lines = ["c2sp.org/tlog-proof@v1", f"extra {line(receipt.header)}", f"index {receipt.index}"]
    lines += [line(digest) for digest in receipt.path]
    path.write_text("\n".join(lines) + "\n\n" + receipt.checkpoint)


def main():
    _, directory, endpoint, code = sys.argv
    service = consultation_service_pb2_grpc.ConsultationServiceStub(connect(directory, endpoint))
    request = consultation_service_pb2.LookupPersonRequest(
        context=ground(), tax_code=code, receipt_form=receipt_pb2.RECEIPT_FORM_FULL
    )
    try:
        answer = service.LookupPerson(request, timeout=10)
    except grpc.RpcError as error:
        # The details are the index's own words, in Italian.
        sys.exit(f"{error.code().name}: {error.details()}")
    for person in answer.persons:
        born = person.birth_date
        print(f"{person.surname} {person.given_name}, {born.year}-{born.month:02}-{born.day:02}")
    save(answer.receipt.full, pathlib.Path(directory) / "receipt.proof")
    print(f"entry {answer.receipt.full.index}, receipt saved")


if __name__ == "__main__":
    main()
