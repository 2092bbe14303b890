// Checks an export of the access log with the reference implementation of its formats, golang.org/x/mod/sumdb: the
// signature of every checkpoint, the inclusion of every entry, the consistency of every pair of checkpoints.
//
// Usage: go run verify.go DIRECTORY VERIFIER_KEY
//
// Proofs are made by the reference code from the export's hash tiles, which it authenticates, and checked by it.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type manifest struct {
	Origin  string `json:"origin"`
	Entries int64  `json:"entries"`
	Size    int64  `json:"tree_size"`
}

type line struct {
	Index  int64  `json:"index"`
	Header string `json:"header"`
}

// The export's tiles; their paths leave out the height that the reference code writes. Tiles are asked for once for each
// proof, and read once.
type tiles struct {
	directory string
	read      map[string][]byte
}

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, 0, len(asked))
	for _, one := range asked {
		path := strings.Replace(one.Path(), "tile/8/", "tile/", 1)
		if _, known := t.read[path]; !known {
			data, err := os.ReadFile(filepath.Join(t.directory, path))
			if err != nil {
				return nil, err
			}
			t.read[path] = data
		}
		found = append(found, t.read[path])
	}
	return found, nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: verify DIRECTORY VERIFIER_KEY")
	}
	directory := os.Args[1]
	var stated manifest
	if err := json.Unmarshal(read(directory, "manifest.json"), &stated); err != nil {
		log.Fatalf("manifest.json: %v", err)
	}
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		log.Fatalf("verifier key: %v", err)
	}
	heads := checkpoints(directory, stated.Origin, verifier)
	newest := heads[len(heads)-1]
	if newest.N != stated.Size {
		log.Fatalf("manifest.json: tree size %d, and the largest checkpoint has %d", stated.Size, newest.N)
	}
	reader := tlog.TileHashReader(newest, tiles{directory, map[string][]byte{}})
	entries := inclusion(directory, newest, reader)
	if entries != stated.Entries {
		log.Fatalf("manifest.json: %d entries, and there are %d", stated.Entries, entries)
	}
	pairs := consistency(heads, reader)
	fmt.Printf("accepted: %d entries, %d checkpoints, %d pairs\n", entries, len(heads), pairs)
}

// Every checkpoint, signed by the log, smallest first.
func checkpoints(directory, origin string, verifier note.Verifier) []tlog.Tree {
	files, err := os.ReadDir(filepath.Join(directory, "checkpoints"))
	if err != nil || len(files) == 0 {
		log.Fatalf("checkpoints: %v", err)
	}
	var heads []tlog.Tree
	for _, file := range files {
		path := filepath.Join("checkpoints", file.Name())
		opened, err := note.Open(read(directory, path), note.VerifierList(verifier))
		if err != nil {
			log.Fatalf("%s: %v", path, err)
		}
		lines := strings.Split(opened.Text, "\n")
		if len(lines) < 3 || lines[0] != origin || lines[1] != file.Name() {
			log.Fatalf("%s: of another log or size", path)
		}
		size, err := strconv.ParseInt(lines[1], 10, 64)
		if err != nil {
			log.Fatalf("%s: %v", path, err)
		}
		root, err := tlog.ParseHash(lines[2])
		if err != nil {
			log.Fatalf("%s: %v", path, err)
		}
		heads = append(heads, tlog.Tree{N: size, Hash: root})
	}
	sort.Slice(heads, func(a, b int) bool { return heads[a].N < heads[b].N })
	return heads
}

// Proves every entry; gives how many there are.
func inclusion(directory string, newest tlog.Tree, reader tlog.HashReader) int64 {
	file, err := os.Open(filepath.Join(directory, "evidence.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	var count int64
	for scanner.Scan() {
		count++
		var one line
		if err := json.Unmarshal(scanner.Bytes(), &one); err != nil {
			log.Fatalf("evidence.jsonl, line %d: %v", count, err)
		}
		header, err := base64.StdEncoding.DecodeString(one.Header)
		if err != nil {
			log.Fatalf("evidence.jsonl, line %d: %v", count, err)
		}
		proof, err := tlog.ProveRecord(newest.N, one.Index, reader)
		if err != nil {
			log.Fatalf("evidence.jsonl, line %d, entry %d: %v", count, one.Index, err)
		}
		if err := tlog.CheckRecord(proof, newest.N, newest.Hash, one.Index, tlog.RecordHash(header)); err != nil {
			log.Fatalf("evidence.jsonl, line %d, entry %d: %v", count, one.Index, err)
		}
	}
	if err := scanner.Err(); err != nil {
		log.Fatalf("evidence.jsonl: %v", err)
	}
	return count
}

// Proves every pair of checkpoints; gives how many there are.
func consistency(heads []tlog.Tree, reader tlog.HashReader) int {
	pairs := 0
	for at, older := range heads {
		for _, newer := range heads[at+1:] {
			pairs++
			proof, err := tlog.ProveTree(newer.N, older.N, reader)
			if err != nil {
				log.Fatalf("checkpoints/%d and %d: %v", older.N, newer.N, err)
			}
			if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
				log.Fatalf("checkpoints/%d and %d: %v", older.N, newer.N, err)
			}
		}
	}
	return pairs
}

func read(directory, name string) []byte {
	content, err := os.ReadFile(filepath.Join(directory, name))
	if err != nil {
		log.Fatal(err)
	}
	return content
}
