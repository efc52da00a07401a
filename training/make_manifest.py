"""Write a model folder's manifest.json: limits and ids of the card, checksums of the files, calibration.

usage: python training/make_manifest.py MODEL_FOLDER NAME CALIBRATION.json
needs: nothing but Python

CALIBRATION.json is what the training recipe fitted on the dev splits. The version hashes all that vectors
and logits depend on, the way `contentVersion` of libs/model/model-folder.ts checks it. A tagger is told of where
the folder has one; no vector depends on it, so it is no part of the version.
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
# The logits were trained as a correction of 15.3 * (dual - 0.6); see the card.
FUSION_OFFSET = 0.6
# lambda * P(entity | surface): the worlds' own best weights on dev lie between 0 and .5; one for all, not fitted.
PRIOR_WEIGHT = 0.3


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def content_version(files):
    pairs = sorted([f["path"], f["sha256"]] for f in files.values())
    content = [pairs, sorted(map(list, LIMITS.items())), sorted(map(list, IDS.items()))]
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def first_is_right(fit):
    return {k: fit["firstIsRight"][k] for k in ("score", "margin", "bias")}


def calibration(fit):
    dual, fused = fit["dual"], fit["fused"]
    return {
        "dual": {"softmaxScale": dual["softmaxScale"], "firstIsRight": first_is_right(dual)},
        "fused": {
            "dualWeight": fused["dualWeight"],
            "offset": FUSION_OFFSET,
            "softmaxScale": fused["softmaxScale"],
            "firstIsRight": first_is_right(fused),
        },
        "lexicalBonus": fit["lexicalBonus"],
        "prior": {"weight": PRIOR_WEIGHT},
        **({"span": fit["span"]} if "span" in fit else {}),
    }


def tagger(folder, name="tagger.onnx"):
    if not os.path.exists(f"{folder}/{name}"):
        return {}
    return {"tagger": {"file": {"path": name, "sha256": sha256(f"{folder}/{name}")}, **TAGGER}}


def main(folder, name, calibration_path):
    files = {k: {"path": p, "sha256": sha256(f"{folder}/{p}")} for k, p in FILES.items()}
    with open(calibration_path) as f:
        fit = json.load(f)
    manifest = {
        "format": 1,
        "name": name,
        "version": content_version(files),
        "dimensions": 384,
        "limits": LIMITS,
        "ids": IDS,
        "files": files,
        **tagger(folder),
        "calibration": calibration(fit),
    }
    with open(f"{folder}/manifest.json", "w") as f:
        json.dump(manifest, f, indent=2)
        f.write("\n")
    print(manifest["version"])


if __name__ == "__main__":
    main(*sys.argv[1:])
