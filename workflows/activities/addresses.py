"""Which hosts may be called, and which address of a host is connected to.

A name is resolved once and the connection goes to the address that was judged, so
that nobody can answer the second question differently (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
import socket

from workflows import conf
from workflows.exceptions import ConfigurationError, RuntimeFault

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Networks whose IPv6 addresses carry an IPv4 one: NAT64, and 6to4.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def require_allowed(host: str) -> None:
    """Raise ConfigurationError unless the option WORKFLOW_HTTP_HOSTS names the host.

    ``*.example.com`` stands for every host below ``example.com``.
    """
    wanted = host.lower().rstrip(".")
    for pattern in re.split(r"[,;\s]+", str(conf.option("WORKFLOW_HTTP_HOSTS"))):
        allowed = pattern.lower().rstrip(".")
        if wanted == allowed and allowed:
            return
        if allowed.startswith("*.") and wanted.endswith(allowed[1:]):
            return
    raise ConfigurationError(
        "The host %(host)s may not be called; an administrator may add it to the"
        " option WORKFLOW_HTTP_HOSTS.",
        host=host,
    )


def resolve(host: str, port: int) -> str:
    """Return an address of ``host`` that may be connected to.

    Raises RuntimeFault when the name has none, and ConfigurationError when one of
    its addresses is private and the option WORKFLOW_HTTP_ALLOW_PRIVATE is off.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RuntimeFault(
            "The host %(host)s cannot be found: %(error)s", host=host, error=str(error)
        ) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not conf.option("WORKFLOW_HTTP_ALLOW_PRIVATE"):
        for address in addresses:
            if is_private(address):
                raise ConfigurationError(
                    "The host %(host)s has the private address %(address)s; an"
                    " administrator may allow that with the option"
                    " WORKFLOW_HTTP_ALLOW_PRIVATE.",
                    host=host,
                    address=address,
                )
    return addresses[0]


def is_private(address: str) -> bool:
    """Return whether an address is not one of the public Internet."""
    read: _Address = ipaddress.ip_address(address.split("%")[0])
    if isinstance(read, ipaddress.IPv6Address):
        inner = read.ipv4_mapped or read.sixtofour
        if inner is None and read in _NAT64:
            inner = ipaddress.IPv4Address(int(read) & 0xFFFFFFFF)
        read = inner or read
    return not read.is_global or read.is_multicast
