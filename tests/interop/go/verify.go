// Checks what the access log hands out with the reference implementation of its formats, golang.org/x/mod/sumdb.
//
// Usage: go run verify.go DIRECTORY, with in it:
//
//	vkey              the log's verifier key
//	checkpoint        a signed checkpoint
//	evidence.json     inclusion and consistency proofs towards that checkpoint
//
// Every proof is checked twice: as it is, which must be accepted, and with one bit changed, which must not.
package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
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
	fmt.Printf("accepted: size %d, %d inclusion and %d consistency proofs\n",
		size, len(found.Inclusion), len(found.Consistency))
}

// The size and root that the log has signed.
func checkpoint(directory string) (int64, tlog.Hash) {
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(directory, "vkey"))))
	if err != nil {
		log.Fatalf("vkey: %v", err)
	}
	text := read(directory, "checkpoint")
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		log.Fatalf("checkpoint: %v", err)
	}
	changed := append([]byte(nil), text...)
	changed[0] ^= 1
	if _, err := note.Open(changed, note.VerifierList(verifier)); err == nil {
		log.Fatal("checkpoint: a changed text is accepted")
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 3 || lines[0] != verifier.Name() {
		log.Fatal("checkpoint: not of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		log.Fatalf("checkpoint: %v", err)
	}
	decoded, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(decoded) != tlog.HashSize {
		log.Fatal("checkpoint: no root")
	}
	var root tlog.Hash
	copy(root[:], decoded)
	return size, root
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
