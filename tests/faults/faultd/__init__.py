"""A scriptable faulty upstream: see the README beside this package for the list of faults."""

from .catalogue import FAULTS
from .certificates import Certificates
from .ledger import Ledger, Record
from .server import Faultd

__all__ = ["FAULTS", "Certificates", "Faultd", "Ledger", "Record"]
