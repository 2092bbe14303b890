"""Verification of an export of the access log, offline, with nothing but the standard library.

Usage: verify_export.py DIRECTORY VERIFIER_KEY. Exits 0 and says what was verified, or 1 and names the first difference.
Signatures are verified by ed25519.py beside it (67 lines), signed checkpoints opened by receipt.py; what stands in rows
beside the header (operator, parts) is compared with the evidence by `ponte audit export-verify` alone.
"""

import base64
import csv
import hashlib
import json
import pathlib
import struct
import sys
import uuid

import receipt

TEXTS = {3: "origin", 5: "peer", 7: "address", 8: "agreement", 10: "purpose", 11: "service"}
DIGESTS = {6: "certificate", 9: "agreement_hash", 13: "trace_id"}


class Difference(Exception):
    """Where the export is not what it says."""


def check(condition, *place):
    if not condition:
        raise Difference(": ".join(map(str, place)))


def sha(data):
    return hashlib.sha256(data).digest()


def folded(hashes):
    """Root of a complete subtree, of a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [sha(b"\x01" + left + right) for left, right in zip(hashes[::2], hashes[1::2])]
    return hashes[0]


class Tiles:
    """Hash tiles (C2SP tlog-tiles) of a tree of `size` entries, each proved from the root down."""

    def __init__(self, directory, size, root):
        self.directory, self.size, self.proved, self.paths = directory, size, {}, set()
        check(self.root(size) == root, "tile", "the tiles do not lead to the root of the checkpoint")

    def hashes(self, level, index):
        if (level, index) in self.proved:
            return self.proved[level, index]
        width = min(256, (self.size >> 8 * level) - 256 * index)
        groups, rest = f"{index % 1000:03}", index // 1000
        while rest:
            groups, rest = f"x{rest % 1000:03}/{groups}", rest // 1000
        path = f"tile/{level}/{groups}" + (f".p/{width}" if width < 256 else "")
        data = read(self.directory, path)
        check(len(data) == 32 * width, path, "another length")
        hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
        if width == 256:
            above = self.hashes(level + 1, index >> 8)[index & 255]
            check(folded(hashes) == above, path, "the hashes are not those of the tree")
        self.proved[level, index] = hashes
        self.paths.add(path)
        return hashes

    def root(self, size):
        """The root that the tree had at a size: narrower tiles, which are under no other, are proved by that of all."""
        root = None
        for level in range(8):
            count = size >> 8 * level
            left = self.hashes(level, count >> 8)[: count % 256] if count % 256 else []
            while left:  # the smaller subtrees, from the right
                width = len(left) & -len(left)
                peak = folded(left[-width:])
                root, left = peak if root is None else sha(b"\x01" + peak + root), left[:-width]
        return root or sha(b"")


def read(directory, path):
    file = directory / path
    check(file.is_file(), path, "it is missing")
    return file.read_bytes()


def fields(header):
    """Tags and values of a header."""
    found, at = {}, 0
    while at < len(header):
        tag, length = struct.unpack_from(">HH", header, at)
        found[tag] = header[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def columns(index, header, found):
    """What a row says that the header says too, as text."""
    reason, code = found[15].decode(), int.from_bytes(found[14], "big")
    told = {"index": index, "outcome_code": code, "outcome": reason or ("OK" if code == 0 else "")}
    told |= {name: found.get(tag, b"").decode() for tag, name in TEXTS.items()}
    told |= {name: found.get(tag, b"").hex() for tag, name in DIGESTS.items()}
    told["request_id"] = str(uuid.UUID(bytes=found[12])) if 12 in found else ""
    told["repeat_of"] = int.from_bytes(found[17], "big") if 17 in found else ""
    told["header"] = base64.b64encode(header).decode()
    return {name: str(value) for name, value in told.items()}


def check_part(part, parts_root, *place):
    salt, content, label = base64.b64decode(part["salt"]), base64.b64decode(part["content"]), part["label"].encode()
    node = sha(b"\x00" + salt + struct.pack(">HB", part["kind"], len(label)) + label + content)
    position = part["position"]
    check(len(salt) == 32 and 3 <= len(part["path"]) <= 10, *place, "a part is malformed")
    for sibling in map(base64.b64decode, part["path"]):
        node = sha(b"\x01" + sibling + node) if position & 1 else sha(b"\x01" + node + sibling)
        position >>= 1
    check(position == 0 and node == parts_root, *place, "a part is not the one its header commits to")


def rows(directory, forms):
    """For each form of text, its rows as they come."""
    if "jsonl" in forms:
        yield "entries.jsonl", map(json.loads, (directory / "entries.jsonl").open(encoding="utf-8"))
    if "csv" in forms:
        lines = csv.DictReader((directory / "entries.csv").open(encoding="utf-8", newline=""))
        guarded = lambda value: value[1:] if value[:1] == "'" and value[1:2] in "=+-@\t\r" else value
        yield "entries.csv", ({name: guarded(value or "") for name, value in line.items()} for line in lines)


def check_lines(directory, manifest, tiles):
    """Every line of evidence and its rows; gives how many entries there are of each outcome."""
    settings, outcomes, name = manifest["settings"], {}, "evidence.jsonl"
    filters = [settings[key] for key in ("from", "until", "agency", "agreement", "outcome")]
    whole = manifest["scope"] == "region" and not any(filters) and not settings["follow"]
    following, forms = settings["from_index"], list(rows(directory, settings["formats"]))
    for number, line in enumerate((directory / name).open("rb"), 1):
        place = (f"{name}, line {number}",)
        check(line.endswith(b"\n"), *place, "it has no end")
        entry = json.loads(line)
        index, header = entry["index"], base64.b64decode(entry["header"], validate=True)
        place = (f"{name}, line {number}, entry {index}",)
        check(following <= index < min(manifest["next_index"], tiles.size), *place, "it is out of order or range")
        check(following == index or not whole, *place, f"entry {following} is left out")
        leaf = tiles.hashes(0, index >> 8)[index & 255]
        check(sha(b"\x00" + header) == leaf, *place, "the log has another entry there")
        found = fields(header)
        for part in entry["parts"]:
            check_part(part, found[18], *place)
        expected = columns(index, header, found)
        for file, lines in forms:
            row = next(lines, {})
            same = all(str(row.get(column, "")) == value for column, value in expected.items())
            check(same, f"{file}, row {number}, entry {index}", "the row is not that of the entry")
        outcomes[expected["outcome"]] = outcomes.get(expected["outcome"], 0) + 1
        following = index + 1
    check(not whole or following == manifest["next_index"], name, f"entry {following} is left out")
    for file, lines in forms:
        check(next(lines, None) is None, file, "there is something behind the last row")
    check(sum(outcomes.values()) == manifest["entries"], name, "not as many entries as the manifest states")
    return outcomes


def verify(directory, key):
    manifest = json.loads(read(directory, "manifest.json"))
    check(manifest["format"] == "ponte.export/1", "manifest.json", "another format")
    stated = manifest.pop("digest")
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    check(sha(canonical.encode()).hex() == stated, "manifest.json", "its content is not that of its digest")
    listed, heads = {file["path"]: file for file in manifest["files"]}, {}
    for path in filter(lambda path: path.startswith("checkpoints/"), listed):
        text = read(directory, path).decode()
        try:
            origin, size, root = receipt.open_checkpoint(text, key)
        except (receipt.Refused, ValueError) as error:
            raise Difference(f"{path}: {error}") from error
        check(origin == manifest["origin"] and path == f"checkpoints/{size}", path, "of another log or size")
        heads[size] = root
        check(size != manifest["tree_size"] or text == manifest["checkpoint"], "manifest.json", "another checkpoint")
    check(max(heads, default=None) == manifest["tree_size"], "manifest.json", "not the largest checkpoint")
    tiles = Tiles(directory, manifest["tree_size"], heads[manifest["tree_size"]])
    for size, root in heads.items():  # prefixes of one tree: each pair is consistent
        check(tiles.root(size) == root, f"checkpoints/{size}", "the tree does not continue it")
    outcomes = check_lines(directory, manifest, tiles)
    known = {"evidence.jsonl"} | {f"entries.{form}" for form in manifest["settings"]["formats"]} | tiles.paths
    for path in listed:
        proved = path in known or path.startswith("checkpoints/")
        check(proved, path, "it is none of the files of this export")
    there = {str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file()}
    for path in sorted(there - {"manifest.json", "state.json", "lock"} | listed.keys()):
        check(path in listed, path, "it is not in the manifest")
        data = read(directory, path)
        same = (len(data), sha(data).hex()) == (listed[path]["size"], listed[path]["sha256"])
        check(same, path, "its size or SHA-256 is not that of the manifest")
    pairs = len(heads) * (len(heads) - 1) // 2
    counts = ", ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items()))
    return f"verified: {manifest['entries']} entries, {len(heads)} checkpoints, {pairs} pairs; {counts}"


if __name__ == "__main__":
    try:
        print(verify(pathlib.Path(sys.argv[1]), sys.argv[2]))
    except Difference as difference:
        sys.exit(f"first difference: {difference}")
    except (KeyError, ValueError, TypeError, IndexError, struct.error) as malformed:
        sys.exit(f"first difference: malformed: {malformed!r}")
