"""Tests of clientsphere_common.vectors.bm25."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from clientsphere_common.vectors.bm25 import open_bm25


class TestBm25:
    def test_weights_never_change_from_release_to_release(self) -> None:
        weights = open_bm25().embed_document("The invoices of 2018, an invoice")
        values = [round(value, 4) for value in weights.values]
        assert dict(zip(weights.indices, values, strict=True)) == {
            378174453: 1.6787,  # 2018
            481716713: 1.9043,  # invoic-
        }

    def test_a_question_weighs_each_word_once(self) -> None:
        assert open_bm25().embed_query("invoice invoices INVOICED").values == [1.0]

    def test_it_serves_several_threads(self) -> None:
        bm25 = open_bm25()
        texts = [f"invoice number{number}" for number in range(200)]
        with ThreadPoolExecutor(4) as threads:
            at_once = [weights.indices for weights in threads.map(bm25.embed_document, texts)]
        assert at_once == [bm25.embed_document(text).indices for text in texts]
