"""Verification of a receipt (ricevuta) offline, with nothing but the standard library."""

import base64
import hashlib

import ed25519


class Refused(Exception):
    """The receipt proves nothing."""


def verify(receipt, verifier_key):
    """Checks signature and inclusion; gives the size of the tree that the log has signed."""
    origin, size, root = open_checkpoint(receipt.checkpoint, verifier_key)
    if receipt.origin != origin:
        raise Refused("the receipt names another log")
    if root_of(receipt.header, receipt.index, size, list(receipt.path)) != root:
        raise Refused("the entry is not in the tree")
    return size


def open_checkpoint(text, verifier_key):
    """Origin, size and root of a signed checkpoint (a C2SP signed note)."""
    name, key_id, key = verifier_key.strip().split("+", 2)
    key = base64.b64decode(key)
    if key[:1] != b"\x01":
        raise Refused("the verifier key is not Ed25519")
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id:
        raise Refused("the verifier key contradicts itself")
    body, separator, signatures = text.partition("\n\n")
    if not separator:
        raise Refused("the checkpoint is not signed")
    body += "\n"
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        blob = base64.b64decode(blob)
        if dash == "\u2014" and signer == name and blob[:4].hex() == key_id:
            if ed25519.verify(key[1:], body.encode(), blob[4:]):
                break
    else:
        raise Refused("the log has not signed the checkpoint")
    origin, size, root = body.splitlines()[:3]
    if origin != name:
        raise Refused("the checkpoint is of another log")
    return origin, int(size), base64.b64decode(root)


def root_of(header, index, size, path):
    """The root to which a header at an index leads (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Refused("the index lies outside of the tree")
    node = hashlib.sha256(b"\x00" + header).digest()
    position, last = index, size - 1
    for sibling in path:
        if last == 0:
            raise Refused("the path is too long")
        if position & 1 or position == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while position & 1 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        position, last = position >> 1, last >> 1
    if last:
        raise Refused("the path is too short")
    return node
