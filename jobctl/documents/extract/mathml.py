"""Formulas as LaTeX: MathML of HTML and EPUB, and the equations of Word by the same small set of forms.

What has no form of its own is written out child by child: a formula may look plain, its text is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_DEPTH = 100
GREEK = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "θ": r"\theta", "λ": r"\lambda",
    "μ": r"\mu", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\varphi", "ω": r"\omega", "Δ": r"\Delta",
    "Σ": r"\Sigma", "Ω": r"\Omega", "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∞": r"\infty", "√": r"\surd", "≤": r"\le",
    "≥": r"\ge", "≠": r"\ne", "±": r"\pm", "×": r"\times", "·": r"\cdot", "∂": r"\partial", "∈": r"\in", "→": r"\to",
    "⇒": r"\Rightarrow", "∀": r"\forall", "∃": r"\exists", "−": "-", "\u2061": "", "\u2062": "", "\u2063": ",",
}  # fmt: skip


def symbols(text: str) -> str:
    """Letters and signs as LaTeX."""
    return "".join(f"{GREEK[c]} " if GREEK.get(c, "").startswith("\\") else GREEK.get(c, c) for c in text)


def group(text: str) -> str:
    """An argument in braces."""
    return "{" + text.strip() + "}"


def fraction(above: str, below: str) -> str:
    r"""``\frac{a}{b}``."""
    return rf"\frac{group(above)}{group(below)}"


def script(base: str, below: str = "", above: str = "") -> str:
    """``a_{b}^{c}``; a base of several signs is grouped."""
    base = base.strip()
    if len(base) > 1 and not base.startswith("\\"):
        base = group(base)
    return base + (f"_{group(below)}" if below.strip() else "") + (f"^{group(above)}" if above.strip() else "")


def root(body: str, degree: str = "") -> str:
    r"""``\sqrt[n]{x}``."""
    return rf"\sqrt{f'[{degree.strip()}]' if degree.strip() else ''}{group(body)}"


def matrix(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells."""
    return r"\begin{matrix}" + r" \\ ".join(" & ".join(cell.strip() for cell in row) for row in rows) + r"\end{matrix}"


def inline(latex: str) -> str:
    """A formula between dollars; nothing for an empty one."""
    text = " ".join(latex.split())
    return f"${text}$" if text else ""
