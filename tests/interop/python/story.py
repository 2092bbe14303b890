"""The story of a region told by a client that shares nothing with the product but proto/.

Usage: story.py CONFIG, a JSON file; see `Story` for its keys. Exits 0 when every step gave the expected result.
"""

import json
import pathlib
import sys
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import receipt as receipts
from ponte.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from ponte.consultation.v1 import (
    access_context_pb2,
    consultation_service_pb2,
    consultation_service_pb2_grpc,
)
from ponte.ledger.v1 import receipt_pb2


class Story:
    def __init__(self, config):
        self.config = config
        self.verifier_key = config["verifier_key"]
        police, auditor = self.channel("police"), self.channel("auditor")
        self.consultation = consultation_service_pb2_grpc.ConsultationServiceStub(police)
        self.as_auditor = consultation_service_pb2_grpc.ConsultationServiceStub(auditor)
        self.audit = audit_service_pb2_grpc.AuditServiceStub(auditor)

    def channel(self, role):
        files = self.config[role]
        read = lambda name: pathlib.Path(files[name]).read_bytes()
        credentials = grpc.ssl_channel_credentials(read("authorities"), read("key"), read("certificate"))
        options = [("grpc.ssl_target_name_override", self.config["server_name"])]
        return grpc.secure_channel(self.config["address"], credentials, options)

    def ground(self):
        return access_context_pb2.AccessContext(
            agreement=self.config["agreement"],
            purpose=self.config["purpose"],
            operator="m.esposito",
            assurance=access_context_pb2.ASSURANCE_SUBSTANTIAL,
            workstation="PC-12",
            case_reference="2026/123",
            request_id=str(uuid.uuid4()),
            urgency=access_context_pb2.URGENCY_ORDINARY,
        )

    def lookup(self, tax_code, stub=None, **more):
        request = consultation_service_pb2.LookupPersonRequest(
            context=self.ground(), tax_code=tax_code, receipt_form=receipt_pb2.RECEIPT_FORM_FULL, **more
        )
        return (stub or self.consultation).LookupPerson(request, timeout=30), request

    def refused(self, code, reason, call):
        try:
            call()
        except grpc.RpcError as error:
            assert error.code() == code, f"{error.code()} instead of {code}"
            status = rpc_status.from_call(error)
            assert status is not None, "the error carries no details"
            info = error_details_pb2.ErrorInfo()
            found = [detail for detail in status.details if detail.Unpack(info)]
            assert found and info.reason == reason, f"{info.reason} instead of {reason}"
            words = error_details_pb2.LocalizedMessage()
            italian = [detail for detail in status.details if detail.Unpack(words)]
            assert italian and words.locale.startswith("it"), "the error carries no Italian text"
            return
        raise AssertionError(f"the call was answered instead of refused with {reason}")

    def tell(self):
        present = self.config["present"]
        answer, request = self.lookup(present["tax_code"])
        [person] = answer.persons
        assert person.surname == present["surname"] and person.given_name == present["given_name"]
        assert person.name.startswith("persons/")
        full = answer.receipt.full
        size = receipts.verify(full, self.verifier_key)
        assert uuid.UUID(request.context.request_id).bytes in full.header, "the receipt is of another call"
        print(f"looked up, and the receipt of entry {full.index} of {size} verifies with the standard library")

        for change in [
            {"header": full.header[:-1] + bytes([full.header[-1] ^ 1])},
            {"index": full.index + 1 if full.index + 1 < size else full.index - 1},
            {"checkpoint": full.checkpoint.replace("\n", "0\n", 2)},
        ]:
            changed = receipt_pb2.Receipt()
            changed.CopyFrom(full)
            for name, value in change.items():
                setattr(changed, name, value)
            try:
                receipts.verify(changed, self.verifier_key)
            except receipts.Refused:
                continue
            raise AssertionError(f"a receipt with another {next(iter(change))} verifies")
        print("changed receipts are refused")

        self.refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND", lambda: self.lookup(self.config["absent"]))
        self.refused(
            grpc.StatusCode.PERMISSION_DENIED,
            "ROLE_NOT_ALLOWED",
            lambda: self.lookup(present["tax_code"], self.as_auditor),
        )
        self.refused(
            grpc.StatusCode.INVALID_ARGUMENT, "TAX_CODE_INVALID", lambda: self.lookup("RSSMRA85T10A944X")
        )
        print("absent, another role's service and an invalid codice fiscale are refused with details")

        entries = self.list_accesses()
        mine = [entry for entry in entries if entry.index == full.index]
        assert mine and mine[0].header == full.header, "the auditor sees another entry than the receipt"
        head = self.audit.GetCheckpoint(audit_service_pb2.GetCheckpointRequest(), timeout=30)
        origin, head_size, _ = receipts.open_checkpoint(head.checkpoint, self.verifier_key)
        assert (origin, head_size) == (head.origin, head.size) and size <= head_size
        print(f"the auditor lists {len(entries)} entries, that one among them")

    def list_accesses(self):
        entries, token = [], ""
        while True:
            request = audit_service_pb2.ListAccessesRequest(
                context=audit_service_pb2.ReadingContext(
                    purpose="ordinary-control", reference="2026/1", reader="a.neri"
                ),
                page_size=3,
                page_token=token,
            )
            page = self.audit.ListAccesses(request, timeout=30)
            entries.extend(page.entries)
            token = page.next_page_token
            if not token:
                return entries


if __name__ == "__main__":
    Story(json.loads(pathlib.Path(sys.argv[1]).read_text())).tell()
