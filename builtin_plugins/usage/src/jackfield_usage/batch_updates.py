"""Parses what providers' answers report about batches: ids, result files, or the results."""

from collections.abc import Iterator, Sequence

import msgspec
from attrs import frozen


@frozen
class BatchUpdate:
    """One batch, with the file of its results, or the results as the lines of such a file.

    `model` is the model of all requests, if the provider names it.
    """

    id: str
    file: str = ""
    results: Sequence[msgspec.Raw] = ()
    model: str = ""


class _Batch(msgspec.Struct):
    id: str = ""
    name: str | None = None
    model: str | None = None
    output_file_id: str | None = None
    output_file: str | None = None
    outputs: list[msgspec.Raw] | None = None
    data: "list[_Batch]" = []
    operations: list[msgspec.Raw] = []


class _Inlined(msgspec.Struct, frozen=True, rename="camel"):
    inlined_responses: tuple[msgspec.Raw, ...] = ()


class _Output(msgspec.Struct, frozen=True, rename="camel"):
    responses_file: str = ""
    inlined_responses: _Inlined = _Inlined()
    inlined_embed_content_responses: _Inlined = _Inlined()

    @property
    def results(self) -> Sequence[msgspec.Raw]:
        vectors = self.inlined_embed_content_responses
        return self.inlined_responses.inlined_responses or vectors.inlined_responses


class _Metadata(msgspec.Struct, frozen=True):
    model: str = ""
    output: _Output = _Output()


class _Operation(msgspec.Struct, frozen=True):
    """A batch of Google."""

    name: str
    metadata: _Metadata = _Metadata()
    response: _Output = _Output()


_batch = msgspec.json.Decoder(_Batch).decode
_operation = msgspec.json.Decoder(_Operation).decode


def updates_in(body: bytes) -> Iterator[BatchUpdate]:
    """Find batches in an answer. Raises msgspec.DecodeError, UnicodeError."""
    batch = _batch(body)
    for one in (batch, *batch.data):
        if one.id:
            file, results = one.output_file_id or one.output_file or "", one.outputs or ()
            yield BatchUpdate(one.id, file, results, one.model or "")
    if not batch.id:
        for operation in (body,) if batch.name else batch.operations:
            yield _update_of(_operation(operation))


def _update_of(operation: _Operation) -> BatchUpdate:
    metadata, output = operation.metadata, operation.response
    if not (output.results or output.responses_file):
        output = metadata.output
    model = metadata.model.removeprefix("models/")
    return BatchUpdate(
        last_name(operation.name), last_name(output.responses_file), output.results, model
    )


def last_name(name: str) -> str:
    """The id in a name such as `batches/ID`."""
    return name.rpartition("/")[2]
