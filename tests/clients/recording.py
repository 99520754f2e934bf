"""What a vendor once answered, and what a client has to read in it."""

import json
from functools import cache
from typing import Any

from attrs import frozen
from tests.corpus import ROOT


@frozen(eq=False)
class Recording:
    """One exchange of the corpus; `source` is the whole of it."""

    source: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.source["id"])

    @property
    def status(self) -> int:
        return int(self.source["response"]["status"])

    @property
    def body(self) -> Any:
        """What the vendor answered: JSON, or the text of a stream."""
        return self.source["response"]["body"]

    @property
    def text(self) -> str:
        return str(self.source["expect"]["text"])

    @property
    def reasoning(self) -> str:
        return str(self.source["expect"]["reasoning"])

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """The names of the tools that were called, with their arguments."""
        expected = self.source["expect"]["tool_calls"]
        return [(call["name"], call["arguments"]) for call in expected]

    @property
    def object(self) -> Any:
        """The JSON that is the answer's text."""
        return json.loads(self.text)

    @property
    def message(self) -> str:
        """What the vendor says of an error, to the first address: the gateway hides those."""
        error = self.body.get("error", self.body)
        return str(error if isinstance(error, str) else error["message"]).split("http")[0]

    @property
    def vectors(self) -> list[list[float]]:
        """The embeddings, in whichever form the vendor has them."""
        body = self.body
        if "data" in body:
            return [item["embedding"] for item in body["data"]]
        if "embedding" in body:
            return [body["embedding"]]
        found = body["embeddings"]
        return found["float"] if isinstance(found, dict) else [item["values"] for item in found]


@cache
def recording(identity: str) -> Recording:
    """One exchange by its id."""
    (path,) = ROOT.glob(f"exchanges/*/*/{identity}.json")
    return Recording(json.loads(path.read_bytes()))
