"""Write a model folder's manifest.json: limits and ids of the card, checksums of the files, calibration.

usage: python training/make_manifest.py MODEL_FOLDER NAME CALIBRATION.json [--deep]
needs: nothing but Python

CALIBRATION.json is what calibrate.py fitted on the dev splits. With --deep the cross-encoder reads the first 16
candidates of every mention, which is what calibrate.py wants to see. The version hashes all that vectors
depend on, as `contentVersion` of libs/model/model-folder.ts does; a new cross-encoder, tagger or calibration
re-embeds nothing. A tagger is told of where the folder has one.
"""
import hashlib
import json
import os
import sys

FILES = {
    "vocabulary": "vocab.txt",
    "trunk": "trunk-dual.onnx",
    "mentionHead": "mention-head.onnx",
    "entityHead": "entity-head.onnx",
    "crossEncoder": "cross-encoder.onnx",
}
LIMITS = {
    "windowPieces": 126,
    "windowStride": 63,
    "windowLead": 31,
    "entityIds": 64,
    "entityTitlePieces": 24,
    "entityMiddlePieces": 20,
    "entityDescriptionChars": 600,
    "aliasesWithDescription": 4,
    "aliasesWithoutDescription": 24,
    "pairContextIds": 62,
    "pairMentionPieces": 24,
    "sparseBuckets": 1024,
    "sparseFeatures": 8,
}
IDS = {
    "pad": 0,
    "unknown": 100,
    "cls": 101,
    "sep": 102,
    "openMention": 1,
    "closeMention": 2,
    "semicolon": 1025,
}
TAGGER = {
    "windowPieces": 126,
    "windowStride": 94,
    "shapes": 13,
    "nameMarks": 3,
    # Spans to choose from: more of them find more mentions (see training/README.md) and cost a search each.
    "begin": 0.2,
    "inside": [0.5, 0.2],
}


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def content_version(files):
    encoders = [f for name, f in files.items() if name != "crossEncoder"]
    pairs = sorted([f["path"], f["sha256"]] for f in encoders)
    content = [pairs, sorted(map(list, LIMITS.items())), sorted(map(list, IDS.items()))]
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


DEEP = {"skipProbability": 2, "waves": [16], "logitBound": 1000}


def tagger(folder, name="tagger.onnx"):
    if not os.path.exists(f"{folder}/{name}"):
        return {}
    return {"tagger": {"file": {"path": name, "sha256": sha256(f"{folder}/{name}")}, **TAGGER}}


def main(folder, name, calibration_path, *flags):
    files = {k: {"path": p, "sha256": sha256(f"{folder}/{p}")} for k, p in FILES.items()}
    with open(calibration_path) as f:
        calibration = json.load(f)
    if "--deep" in flags:
        calibration["adaptive"] |= DEEP
    manifest = {
        "format": 2,
        "name": name,
        "version": content_version(files),
        "dimensions": 384,
        "limits": LIMITS,
        "ids": IDS,
        "files": files,
        **tagger(folder),
        "calibration": calibration,
    }
    with open(f"{folder}/manifest.json", "w") as f:
        json.dump(manifest, f, indent=2)
        f.write("\n")
    print(manifest["version"])


if __name__ == "__main__":
    main(*sys.argv[1:])
