"""Verification of Ed25519 signatures (RFC 8032 section 5.1.7) with nothing but the standard library.

Slow and not meant for secrets: it only ever handles public keys and signatures.
"""

import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)


def _recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    return PRIME - x if x & 1 != sign else x


def _point(encoded):
    number = int.from_bytes(encoded, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    if y >= PRIME:
        raise ValueError("not a point of the curve")
    return _recover_x(y, sign), y


def _add(one, other):
    (x1, y1), (x2, y2) = one, other
    cross = D * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + cross, -1, PRIME) % PRIME
    y = (y1 * y2 + x1 * x2) * pow(1 - cross, -1, PRIME) % PRIME
    return x, y


def _times(factor, point):
    result = (0, 1)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point = _add(point, point)
        factor >>= 1
    return result


_BASE_Y = 4 * pow(5, -1, PRIME) % PRIME
BASE = (_recover_x(_BASE_Y, 0), _BASE_Y)


def verify(public_key, message, signature):
    """Whether `signature` is that of `message` under `public_key`."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    try:
        key, commitment = _point(public_key), _point(signature[:32])
    except ValueError:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(challenge, "little") % ORDER
    return _times(scalar, BASE) == _add(commitment, _times(challenge, key))
