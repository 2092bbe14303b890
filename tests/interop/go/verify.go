// Checks what the access log hands out with the reference implementation of its formats, golang.org/x/mod/sumdb.
//
// Usage: go run verify.go DIRECTORY, with in it:
//
//	vkey              the log's verifier key
//	checkpoint        a signed checkpoint
//	evidence.json     inclusion and consistency proofs towards that checkpoint
//	witness           a witness's verifier key (C2SP tlog-cosignature, type 4)
//	receipt.tlog-proof  a receipt as C2SP tlog-proof, whose checkpoint that witness has cosigned
//	url               where the log's head and tiles are served over HTTPS
//	authorities.pem   the authorities that the server's certificate must come from
//
// Every proof is checked twice: as it is, which must be accepted, and with one bit changed, which must not.
package main

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type evidence struct {
	Inclusion []struct {
		Index  int64    `json:"index"`
		Header string   `json:"header"`
		Path   []string `json:"path"`
	} `json:"inclusion"`
	Consistency []struct {
		Size int64    `json:"size"`
		Root string   `json:"root"`
		Path []string `json:"path"`
	} `json:"consistency"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: verify DIRECTORY")
	}
	directory := os.Args[1]
	size, root := checkpoint(directory)

	var found evidence
	if err := json.Unmarshal(read(directory, "evidence.json"), &found); err != nil {
		log.Fatalf("evidence.json: %v", err)
	}
	if len(found.Inclusion) == 0 || len(found.Consistency) == 0 {
		log.Fatal("there is nothing to check")
	}
	for _, one := range found.Inclusion {
		leaf := tlog.RecordHash(bytes(one.Header))
		path := hashes(one.Path)
		if err := tlog.CheckRecord(path, size, root, one.Index, leaf); err != nil {
			log.Fatalf("inclusion of entry %d: %v", one.Index, err)
		}
		leaf[0] ^= 1
		if tlog.CheckRecord(path, size, root, one.Index, leaf) == nil {
			log.Fatalf("inclusion of entry %d: a changed entry is accepted", one.Index)
		}
	}
	for _, one := range found.Consistency {
		old := hash(one.Root)
		path := hashes(one.Path)
		if err := tlog.CheckTree(path, size, root, one.Size, old); err != nil {
			log.Fatalf("consistency with size %d: %v", one.Size, err)
		}
		old[0] ^= 1
		if tlog.CheckTree(path, size, root, one.Size, old) == nil {
			log.Fatalf("consistency with size %d: a changed root is accepted", one.Size)
		}
	}
	for _, one := range found.Inclusion {
		leaves = append(leaves, tlog.RecordHash(bytes(one.Header)))
	}
	witnessed := receipt(directory)
	served := monitored(directory, size, root)
	fmt.Printf("accepted: size %d, %d inclusion and %d consistency proofs, a witnessed receipt of entry %d, tiles of %d entries\n",
		size, len(found.Inclusion), len(found.Consistency), witnessed, served)
}

// The hashes of the entries from the first on, as far as they are among the evidence.
var leaves []tlog.Hash

// What is served to monitors.
type endpoint struct {
	client *http.Client
	url    string
	// Whether a bit of each tile is changed on the way.
	changed bool
}

func (e *endpoint) get(path string) []byte {
	answer, err := e.client.Get(e.url + "/" + path)
	if err != nil {
		log.Fatalf("%s: %v", path, err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		log.Fatalf("%s: status %d, %v", path, answer.StatusCode, err)
	}
	return content
}

func (e *endpoint) Height() int { return 8 }

func (e *endpoint) SaveTiles([]tlog.Tile, [][]byte) {}

func (e *endpoint) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var contents [][]byte
	for _, tile := range tiles {
		// The reference names the height of tiles in each path; C2SP tlog-tiles does not.
		content := e.get(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if e.changed {
			content[0] ^= 1
		}
		contents = append(contents, content)
	}
	return contents, nil
}

// Follows the log from the head of the evidence to the one that is served, by tiles alone. Gives its size.
func monitored(directory string, size int64, root tlog.Hash) int64 {
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(read(directory, "authorities.pem")) {
		log.Fatal("authorities.pem: no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}}
	served := &endpoint{
		client: &http.Client{Transport: transport},
		url:    strings.TrimSpace(string(read(directory, "url"))),
	}
	newSize, newRoot := head(open(directory, served.get("checkpoint")))
	tree := tlog.Tree{N: newSize, Hash: newRoot}
	reader := tlog.TileHashReader(tree, served)
	found, err := tlog.TreeHash(newSize, reader)
	if err != nil || found != newRoot {
		log.Fatalf("tiles: they do not lead to the head that is served: %v", err)
	}
	proof, err := tlog.ProveTree(newSize, size, reader)
	if err != nil {
		log.Fatalf("tiles: %v", err)
	}
	if err := tlog.CheckTree(proof, newSize, newRoot, size, root); err != nil {
		log.Fatalf("tiles: the log does not continue that of the evidence: %v", err)
	}
	var places []int64
	for index := range leaves {
		places = append(places, tlog.StoredHashIndex(0, int64(index)))
	}
	hashes, err := reader.ReadHashes(places)
	if err != nil {
		log.Fatalf("tiles: %v", err)
	}
	for index, leaf := range leaves {
		if hashes[index] != leaf {
			log.Fatalf("tiles: entry %d is another", index)
		}
	}
	served.changed = true
	if _, err := tlog.TileHashReader(tree, served).ReadHashes(places); err == nil {
		log.Fatal("tiles: changed ones are accepted")
	}
	return newSize
}

// The index of the entry that a witnessed receipt proves.
func receipt(directory string) int64 {
	proof, text, found := strings.Cut(string(read(directory, "receipt.tlog-proof")), "\n\n")
	lines := strings.Split(proof, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		log.Fatal("receipt: not a proof")
	}
	header, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil || !strings.HasPrefix(lines[1], "extra ") {
		log.Fatal("receipt: no entry")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		log.Fatalf("receipt: %v", err)
	}
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		path = append(path, decoded(line))
	}
	signed := open(directory, []byte(text))
	size, root := head(signed)
	if err := tlog.CheckRecord(path, size, root, index, tlog.RecordHash(header)); err != nil {
		log.Fatalf("receipt: %v", err)
	}
	header[0] ^= 1
	if tlog.CheckRecord(path, size, root, index, tlog.RecordHash(header)) == nil {
		log.Fatal("receipt: a changed entry is accepted")
	}
	cosigned(directory, signed)
	return index
}

// Checks that the witness has cosigned: its time and signature stand in a line that the log's verifier ignores.
func cosigned(directory string, signed *note.Note) {
	pieces := strings.SplitN(strings.TrimSpace(string(read(directory, "witness"))), "+", 3)
	if len(pieces) != 3 {
		log.Fatal("witness: no verifier key")
	}
	key, err := base64.StdEncoding.DecodeString(pieces[2])
	if err != nil || len(key) != 33 || key[0] != 4 {
		log.Fatal("witness: not a key of type 4")
	}
	id, err := strconv.ParseUint(pieces[1], 16, 32)
	if err != nil {
		log.Fatalf("witness: %v", err)
	}
	for _, one := range signed.UnverifiedSigs {
		if one.Name != pieces[0] || uint64(one.Hash) != id {
			continue
		}
		content, err := base64.StdEncoding.DecodeString(one.Base64)
		if err != nil || len(content) != 4+8+ed25519.SignatureSize {
			log.Fatal("witness: a malformed cosignature")
		}
		at := binary.BigEndian.Uint64(content[4:12])
		message := func(at uint64) []byte {
			return []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, signed.Text))
		}
		if !ed25519.Verify(key[1:], message(at), content[12:]) {
			log.Fatal("witness: the cosignature is wrong")
		}
		if ed25519.Verify(key[1:], message(at+1), content[12:]) {
			log.Fatal("witness: another time is accepted")
		}
		return
	}
	log.Fatal("witness: it has not cosigned")
}

// The size and root that the log has signed.
func checkpoint(directory string) (int64, tlog.Hash) {
	return head(open(directory, read(directory, "checkpoint")))
}

// A note that the log has signed, whoever else has.
func open(directory string, text []byte) *note.Note {
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(directory, "vkey"))))
	if err != nil {
		log.Fatalf("vkey: %v", err)
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		log.Fatalf("checkpoint: %v", err)
	}
	changed := append([]byte(nil), text...)
	changed[0] ^= 1
	if _, err := note.Open(changed, note.VerifierList(verifier)); err == nil {
		log.Fatal("checkpoint: a changed text is accepted")
	}
	if !strings.HasPrefix(opened.Text, verifier.Name()+"\n") {
		log.Fatal("checkpoint: not of this log")
	}
	return opened
}

// The size and root that a checkpoint states.
func head(opened *note.Note) (int64, tlog.Hash) {
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 3 {
		log.Fatal("checkpoint: not of three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		log.Fatalf("checkpoint: %v", err)
	}
	return size, decoded(lines[2])
}

func decoded(text string) tlog.Hash {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) != tlog.HashSize {
		log.Fatal("a hash has 32 bytes")
	}
	var found tlog.Hash
	copy(found[:], bytes)
	return found
}

func read(directory, name string) []byte {
	content, err := os.ReadFile(filepath.Join(directory, name))
	if err != nil {
		log.Fatal(err)
	}
	return content
}

func bytes(text string) []byte {
	decoded, err := hex.DecodeString(text)
	if err != nil {
		log.Fatal(err)
	}
	return decoded
}

func hash(text string) tlog.Hash {
	var found tlog.Hash
	decoded := bytes(text)
	if len(decoded) != len(found) {
		log.Fatal("a hash has 32 bytes")
	}
	copy(found[:], decoded)
	return found
}

func hashes(texts []string) []tlog.Hash {
	found := make([]tlog.Hash, 0, len(texts))
	for _, text := range texts {
		found = append(found, hash(text))
	}
	return found
}
