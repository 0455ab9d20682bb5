"""The account of an extraction: sentences, warnings and sums."""

import pytest

from jobctl.core.account import LABELS, MOST_LOCATIONS, SERIOUS, Account, Loss, LossKind, merged, settled


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (Loss(LossKind.PAGES_WITHOUT_TEXT, 3, 0, ["page 4", "page 17", "page 88"]), "3 pages without text: 4, 17, 88"),
        (Loss(LossKind.PAGES_WITHOUT_TEXT, 1, 0, ["page 4"]), "1 page without text: 4"),
        (Loss(LossKind.PAGES_WITHOUT_TEXT, 1_234, 0, ["page 4"]), "1,234 pages without text: 4 and 1,233 more"),
        (Loss(LossKind.PICTURES, 1, 0, ["page 9"]), "1 picture left out: page 9"),
        (Loss(LossKind.PICTURES, 2, 0, ["page 9", "page 12"]), "2 pictures left out: pages 9, 12"),
        (Loss(LossKind.COMMENTS, 2, 30, ["page 1", "annex"]), "2 comments left out (30 words): page 1, annex"),
        (Loss(LossKind.CONTENTS_ENTRIES, 4, 1), "4 contents entries dropped (1 word)"),
    ],
)
def test_a_loss_says_how_many_what_and_where(loss, sentence):
    assert loss.sentence() == sentence


def test_every_kind_of_loss_has_a_sentence():
    assert set(LABELS) == set(LossKind)
    for kind in LossKind:
        assert Loss(kind, 1).sentence() == f"1 {LABELS[kind][0]} {LABELS[kind][1]}"


def test_each_loss_is_either_a_warning_or_a_note():
    for kind in LossKind:
        account = Account(losses=[Loss(kind, 2)])
        sentence = [Loss(kind, 2).sentence()]
        assert (account.warnings(), account.notes()) == ((sentence, []) if kind in SERIOUS else ([], sentence))


@pytest.mark.parametrize(
    ("seen", "missing", "warned"),
    [(100, 20, False), (100, 21, True), (10_000, 200, False), (10_000, 201, True), (0, 0, False)],
)
def test_missing_words_are_a_warning_above_a_share_and_a_number(seen, missing, warned):
    warnings = Account(words_seen=seen, words_unaccounted=missing).warnings()
    assert bool(warnings) is warned
    if warned:
        assert f"{missing} words of {seen:,} ({missing / seen:.0%}) missing without a known reason" in warnings


@pytest.mark.parametrize(
    ("certainty", "shown", "warned"), [(0.79, "79%", True), (None, "0%", True), (0.8, "80%", False)]
)
def test_a_guessed_encoding_is_a_warning_where_the_guess_is_uncertain_and_else_a_note(certainty, shown, warned):
    account = Account(encoding="koi8-r", certainty=certainty)
    said, silent = (account.warnings(), account.notes()) if warned else (account.notes(), account.warnings())
    assert said == [f"encoding guessed as koi8-r (certainty {shown})"]
    assert silent == []


def test_losses_of_one_kind_become_one_with_each_location_once_in_the_order_of_kinds():
    together = merged(
        [
            Loss(LossKind.PICTURES, 1, 2, ["page 3"]),
            Loss(LossKind.CUT_PAGES, 1),
            Loss(LossKind.PICTURES, 2, 5, ["page 3", "page 1"]),
        ]
    )
    assert together == [Loss(LossKind.CUT_PAGES, 1), Loss(LossKind.PICTURES, 3, 7, ["page 3", "page 1"])]


def test_of_many_locations_the_first_are_listed_and_the_rest_is_counted():
    (loss,) = merged(Loss(LossKind.FRAMES, 1, 0, [f"f{n}"]) for n in range(MOST_LOCATIONS + 5))
    assert loss.locations == [f"f{n}" for n in range(MOST_LOCATIONS)]
    assert loss.sentence().endswith(" and 5 more")


@pytest.mark.parametrize(("stored", "missing"), [(60, 30), (90, 0), (500, 0)])
def test_what_is_neither_stored_nor_in_a_loss_is_unaccounted_and_never_negative(stored, missing):
    losses = [Loss(LossKind.COMMENTS, 1, 4), Loss(LossKind.NAVIGATION, 1, 6)]
    account = settled(100, stored, losses, encoding="cp1252", certainty=0.9)
    assert (account.words_seen, account.words_stored) == (100, stored)
    assert (account.words_left_out, account.words_unaccounted) == (10, missing)
    assert (account.encoding, account.certainty) == ("cp1252", 0.9)
