"""Configure JAX for the samplers: PyMC's conversion rules, one device, single precision, a thread for each chain."""

import os
import platform
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pooch

LARGEST_CACHE = 2**30
UNREADABLE = "Error (reading|writing) persistent compilation cache"


def import_jax() -> Any:
    """Import JAX with PyMC's conversion rules, leaving the process's settings unchanged.

    PyMC's module asks XLA for 100 host devices, PyTensor's JAX for double precision; and XLA's own threads would split
    sums by the number of cores.
    """
    import jax

    flags, double = os.environ.get("XLA_FLAGS", ""), jax.config.jax_enable_x64
    if "xla_cpu_multi_thread_eigen" not in flags:
        flags = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    import pymc.sampling.jax  # noqa: F401

    os.environ["XLA_FLAGS"] = flags
    if jax.config.jax_enable_x64 != double:
        jax.config.update("jax_enable_x64", double)
    _keep_compilations(jax)
    return jax


def _keep_compilations(jax: Any) -> None:
    """Keep compiled code in the user's cache, unless the process has a place for it, or wants none.

    Its folder bears the version and the processor: code of another processor is never read.
    """
    if jax.config.jax_compilation_cache_dir or not jax.config.jax_enable_compilation_cache:
        return
    folder = Path(pooch.os_cache("bayesgeo")) / "compiled" / f"jax-{jax.__version__}-{_processor()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return  # without a home for a cache all is compiled anew
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    # With a largest size, JAX locks the folder while it reads or writes, and removes what was used least.
    jax.config.update("jax_compilation_cache_max_size", LARGEST_CACHE)
    # A killed process may leave half a file: what cannot be read is compiled anew, and needs no warning.
    warnings.filterwarnings("ignore", UNREADABLE, UserWarning)


def _processor() -> str:
    """Return a hash of what compiled code depends on: the processor, and its features where Linux lists them."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(errors="replace").splitlines() if listed.exists() else []
    told = {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
    return sha256("\n".join([platform.machine(), platform.processor(), *sorted(told)]).encode()).hexdigest()[:16]


jax = import_jax()
jnp = jax.numpy


def single_precision() -> AbstractContextManager[None]:
    """Compute in float32 inside the block: twice as fast; PyTensor asks JAX for float64 everywhere."""
    return jax.enable_x64(False)


def chain_keys(rng: np.random.Generator, chains: int) -> np.ndarray:
    """Return a random key of JAX for each chain, ``(chain, 2)``, drawn by NumPy: JAX would compile its own drawing."""
    return rng.integers(2**32, size=(chains, 2), dtype=np.uint32)


def each_chain(function: Callable, chains: Any, *shared: Any, cores: int | None = None) -> Any:
    """Apply the compiled ``function(chain, *shared)`` to every chain of a stacked tree.

    On a CPU each chain runs in a thread of its own, because XLA computes a lone chain faster than its share of a
    batch; elsewhere all chains are one batch. The number of cores never changes a result.
    """
    if jax.default_backend() != "cpu":
        return _batched(function, len(shared))(chains, *shared)
    n_chains = jax.tree.leaves(chains)[0].shape[0]

    def alone(chain: Any) -> Any:
        with single_precision():
            return jax.block_until_ready(function(chain, *shared))

    # NumPy cuts and stacks: each small operation of JAX would be compiled by itself.
    whole = jax.tree.map(_on_host, chains)
    one = [jax.tree.map(lambda leaf, k=k: leaf[k], whole) for k in range(n_chains)]
    with ThreadPoolExecutor(min(cores or joblib.cpu_count(), n_chains)) as pool:
        done = list(pool.map(alone, one))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *done)


def _on_host(leaf: Any) -> Any:
    """Return an array of NumPy; typed random keys have none."""
    typed = isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return leaf if typed else np.asarray(leaf)


@lru_cache(32)
def _batched(function: Callable, n_shared: int) -> Callable:
    return jax.jit(jax.vmap(function, in_axes=(0, *[None] * n_shared)))
