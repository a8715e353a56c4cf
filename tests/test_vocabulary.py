"""The project's vocabulary: words that name nothing here, and what the field calls the thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BETTER = {
    "told found known said asked until": "the noun: overrides, match, report, text, prompts, stop_at_strings",
    "own truth": "reference, or whose it is: a parameter, an adapter, the rank's losses",
    "whole": "full, complete, original, joined",
    "cut": "truncated, spans, split, limits",
    "opening closing": "prefix, open_mark, close_mark, first, last_chunk",
    "plain Original Copy Passage misses": "reference, ExportSource, ExportedArtifact, ReferenceOutputs, failures",
    "chance luck": "probability, uniforms, stable_uniform",
    "who asking segments Segments Block filling": "speaker, query_tokens, layout, PaddedBlock, padding",
    "owners families _lay_out _shared": "example_index, ranks, prefix_groups, _collate, common_prefix",
    "facts spare needs forget_after": "fingerprint, counts, protected_step, required_step, set_aside_after",
    "ends Ending": "boundaries, stop_ids, has_stop_token, StopToken, weight",
    "clear exclusive LEAVING GONE": "delete_outputs, significant, training_lock, MOVING_OUT, DELETED",
    "say mend Silent": "info, warning, add_line, fix, NullReporter",
    "guest Guest _invite": "trackers, TrackerProcess, _start_trackers",
    "Desk _Order arrivals": "RequestScheduler, PendingReply, queue",
    "Voices Speak open_voices by_ids": "ServedModel, GenerateFn, load_backend, from_token_engine",
    "Answer Refused patient_send PatientProtocol": (
        "CompletionResponse, RequestRejected, send_with_timeout, HeaderTimeoutProtocol"
    ),
    "Piece speaking speak Speaker": "TextChunk, adapter_enabled, decoding, generate, Runtime, SpeakerStats",
    "settle": "merge_adapter, _select_fast_path, finalize",
    "Part Material Job Pulled": "BaseModel, PreparedData, TrainingSetup, LocalModel",
    "thin normal Near Seen lonely": "deduplicate, normalize, MinHashIndex, SeenIndex, singletons",
    "Plan Step Batch": "BatchSampler, StepBatch, MicroBatch",
    "branch Branch keep_mask": "linear_spec, LinearSpec, dropout_mask",
    "install uninstall _put_in _take_out _forms _FAST": "enable, disable, _patch, _unpatch, _candidates, _STATE",
    "_filled_up _overwrite": "_pad_rows, _logits_to_grad_",
    "holds _laboratory": "passed, _deterministic",
    "Watch Ends Signals": "HeldoutMonitor, SaveAtEnds, GracefulShutdown",
    "whole_folder write_whole _aside": "atomic_dir, atomic_write_text, _backup_path",
    "Stamp shelf leads_out": "FileFingerprint, repo_dir, escapes_directory",
    "keep_narrow share_rows": "store_in_bfloat16, use_threaded_linear",
    "Evidence gather Exchange Figure Measured": "ModelOutputs, collect, PairedReply, ReportedMetric, MetricResult",
    "Judged _lesson believed": "JudgeScores, _training_texts, trusted",
    "Left Damaged Habits Print Memory Guess People twin": (
        "Skipped, ParseError, ScriptProfile, BookLayout, DialogueState, Attribution, NameLexicon, simplified"
    ),
}  # fmt: skip
"""Words, separated by spaces → what to write instead."""

FIELDS = {("src/offbook/server/schema.py", "say")}
"""Names that a request of the server's has: clients write them."""

INSTEAD = {word: better for words, better in BETTER.items() for word in words.split()}


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that a module gives a name to."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.arg():
                yield node.lineno, node.arg
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield node.lineno, name


def replaced(source: str, path: str = "") -> list[str]:
    """Each identifier of a source text that has a better name."""
    named = identifiers(ast.parse(source))
    bad = [(line, name) for line, name in named if name in INSTEAD and (path, name) not in FIELDS]
    return [f"{path}:{line}: {name}, better {INSTEAD[name]}" for line, name in bad]


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_names_are_the_field_s(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    names = [(path, path.relative_to(ROOT).as_posix()) for path in files]
    bad = [line for path, name in names for line in replaced(path.read_text("utf-8"), name)]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize(
    "source",
    [
        "whole = 1", "def say(): ...", "class Speaker: ...", "def f(*, cut=0): ...", "self.own = 1", "[0 for who in x]",
        "import x as plain", "try: ...\nexcept E as found: ...", "(y := 2, told := 3)",
        "match x:\n  case [*_, ends]: ...",
    ],
)  # fmt: skip
def test_each_way_to_name_a_thing_is_seen(source: str) -> None:
    assert len(replaced(source)) == 1
