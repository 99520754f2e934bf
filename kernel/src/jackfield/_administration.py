"""Everything the admin listener offers, and the OpenAPI document that describes it."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import msgspec

from jackfield.admin import MANAGE, Routes, admin_endpoint
from jackfield.admin.openapi import openapi_document
from jackfield.endpoints import Endpoint
from jackfield.exchange import Exchange
from jackfield.response import Response
from jackfield.setup import Setup

if TYPE_CHECKING:
    from jackfield.catalogue import Catalogue

OPENAPI: Final = "/jackfield/openapi.json"


class Administration:
    """The endpoints of the admin listener: the gateway's own and those added by plugins."""

    def __init__(self, setup: Setup, own: Iterable[Endpoint]) -> None:
        self._collections = setup.admin_collections
        self.endpoints: Final = [
            *own,
            *setup.admin_endpoints,
            *(route for one in self._collections for route in Routes(one).endpoints()),
            admin_endpoint("GET", OPENAPI, self.openapi, permission=MANAGE),
        ]

    async def openapi(self, exchange: Exchange, catalogue: "Catalogue") -> Response:
        """The OpenAPI document of the admin listener."""
        document = openapi_document(self.endpoints, self._collections, version("jackfield-kernel"))
        return Response(200, msgspec.json.encode(document))
