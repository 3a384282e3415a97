"""The recovery copy's entropy coder: gives back what it was given, at about the entropy, or refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import rans, tokens
from napari_mits_gan.evidence.copy_codec.frequencies import CODES, bits, codes_of, frequencies_of

CONTEXTS, SYMBOLS = 5, 9


def coded(sizes, seed=0, states=None):
    rng = np.random.default_rng(seed)
    counts = np.zeros((CONTEXTS, SYMBOLS), np.int64)
    chunks = []
    for n in sizes:
        contexts = rng.integers(0, CONTEXTS, n).astype(np.uint8)
        symbols = np.minimum(rng.geometric(0.2 + 0.15 * contexts) - 1, SYMBOLS - 1).astype(np.uint8)
        np.add.at(counts, (contexts, symbols), 1)
        chunks.append((symbols, contexts))
    frequencies = frequencies_of(codes_of(counts))
    spare = rng.integers(0, 1 << 16, states or rans.states_for(sum(sizes), sum(sizes))).astype(np.uint16)
    return chunks, frequencies, spare, *rans.encode(chunks, frequencies, spare), counts


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3000), min_size=1, max_size=5), st.integers(0, 99), st.integers(1, 200))
def test_symbols_and_spare_words_come_back(sizes, seed, states):
    chunks, frequencies, spare, state, words, _ = coded(sizes, seed, states)
    decoder = rans.Decoder(state, words, frequencies)
    for symbols, contexts in chunks:
        np.testing.assert_array_equal(decoder.take(contexts), symbols)
    np.testing.assert_array_equal(decoder.spare(), spare)


def test_takes_little_more_than_the_entropy():
    *_, spare, state, words, counts = coded([300_000])
    total = counts.sum(axis=1, keepdims=True)
    ideal = -float((counts * np.log2(np.maximum(counts, 1) / total)).sum())
    taken = 32 * len(state) + 16 * len(words) - 16 * len(spare)
    assert ideal < taken < 1.02 * ideal
    assert bits(counts, frequencies_of(codes_of(counts))) < 1.001 * ideal


def test_words_that_end_too_early_are_refused():
    chunks, frequencies, _, state, words, _ = coded([5000])
    with pytest.raises(EvidenceError, match="too early"):
        rans.Decoder(state, words[:-5], frequencies).take(chunks[0][1])


def test_states_that_do_not_end_as_they_began_are_refused():
    chunks, frequencies, _, state, words, _ = coded([5000])
    decoder = rans.Decoder(state, np.append(words, np.uint16(1)), frequencies)
    decoder.take(chunks[0][1])
    with pytest.raises(EvidenceError, match="do not end"):
        decoder.spare()


@given(st.lists(st.integers(0, 255), min_size=SYMBOLS, max_size=SYMBOLS))
def test_any_codes_give_frequencies_that_add_up(row):
    frequencies = frequencies_of(np.array([row], np.uint8))
    assert frequencies.sum() == 1 << rans.PRECISION
    assert CODES == 1 + 8 * rans.PRECISION + 1


@given(st.lists(st.integers(0, tokens.LARGEST), max_size=50))
def test_magnitudes_come_back_from_tokens_and_further_bits(values):
    magnitudes = np.array(values, np.int32)
    names = tokens.tokens_of(magnitudes)
    packed = tokens.pack_extra(names, magnitudes)
    assert len(packed) == tokens.extra_size(names)
    np.testing.assert_array_equal(tokens.unpack_extra(packed, names), magnitudes)
