from __future__ import annotations

import hashlib

from rareseg.sampling.seeds import derive_seed


def test_equals_the_digest_of_the_written_out_arguments():
    digest = hashlib.blake2b(b'[7,"patches",3]', digest_size=8).digest()
    assert derive_seed(7, "patches", 3) == int.from_bytes(digest, "big")


def test_purposes_seeds_and_groupings_do_not_meet():
    seeds = {derive_seed(seed, name) for seed in range(200) for name in ("patches", "init", "bootstrap")}
    seeds |= {
        derive_seed(0, "a", "b"),
        derive_seed(0, "ab"),
        derive_seed(0, "a", 1),
        derive_seed(0, "a", "1"),
    }
    assert len(seeds) == 604
    assert all(0 <= seed < 1 << 64 for seed in seeds)
