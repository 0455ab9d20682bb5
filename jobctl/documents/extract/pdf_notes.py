"""What people put on a page beside its text: values of form fields, free text, remarks. As Markdown list items."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pypdfium2 as pdfium
from pypdfium2 import raw

MOST = 5_000
"""Annotations of a page that are read."""
LONGEST = 100_000
"""Characters of one of them."""
_BUTTONS = (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON)
_VALUES = (raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX)
_LABELS = {
    raw.FPDF_ANNOT_FREETEXT: "Free text", raw.FPDF_ANNOT_TEXT: "Note", raw.FPDF_ANNOT_HIGHLIGHT: "Note on a highlight",
    raw.FPDF_ANNOT_UNDERLINE: "Note on underlined text", raw.FPDF_ANNOT_STRIKEOUT: "Note on struck text",
    raw.FPDF_ANNOT_SQUIGGLY: "Note on marked text", raw.FPDF_ANNOT_STAMP: "Stamp", raw.FPDF_ANNOT_CARET: "Insertion",
    raw.FPDF_ANNOT_INK: "Note on a drawing", raw.FPDF_ANNOT_SQUARE: "Note on a drawing",
    raw.FPDF_ANNOT_CIRCLE: "Note on a drawing", raw.FPDF_ANNOT_LINE: "Note on a drawing",
    raw.FPDF_ANNOT_POLYGON: "Note on a drawing", raw.FPDF_ANNOT_POLYLINE: "Note on a drawing",
}  # fmt: skip


def page_notes(page: pdfium.PdfPage, form: pdfium.PdfFormEnv | None) -> list[str]:
    """List items of a page, in the order of its annotations. ``form``: the form environment, None without a form."""
    notes: list[str] = []
    for index in range(min(raw.FPDFPage_GetAnnotCount(page.raw), MOST)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        try:
            note = _note(annotation, form.raw if form is not None else None)
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
        if note:
            notes.append(note)
    return notes


def _note(annotation: raw.FPDF_ANNOTATION, form: raw.FPDF_FORMHANDLE) -> str | None:
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    if kind == raw.FPDF_ANNOT_WIDGET:
        return _field(annotation, form) if form is not None else None
    label = _LABELS.get(kind)
    text = _line(_string(lambda buffer, size: raw.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size)))
    return f"- {label}: {text}" if label and text else None


def _field(annotation: raw.FPDF_ANNOTATION, form: raw.FPDF_FORMHANDLE) -> str | None:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    value = ""
    if kind in _BUTTONS:
        value = "yes" if raw.FPDFAnnot_IsChecked(form, annotation) else ""
        if value and kind == raw.FPDF_FORMFIELD_RADIOBUTTON:
            value = _of_field(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation) or value
    elif kind in _VALUES:
        value = _of_field(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    if not value:
        return None
    name = _of_field(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    name = name or _of_field(raw.FPDFAnnot_GetFormFieldName, form, annotation)
    return f"- Form field {name}: {value}" if name else f"- Form field: {value}"


def _of_field(read: Callable[..., int], form: raw.FPDF_FORMHANDLE, annotation: raw.FPDF_ANNOTATION) -> str:
    return _line(_string(lambda buffer, size: read(form, annotation, buffer, size)))


def _string(read: Callable[[ctypes.Array[ctypes.c_ushort] | None, int], int]) -> str:
    """A string of PDFium: its size in bytes is read first, then its UTF-16."""
    size = min(read(None, 0), 2 * LONGEST)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    read(buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")


def _line(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())
