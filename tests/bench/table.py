"""The table that a run prints, and what it is held to."""

import json


class Table:
    """Rows in order. A row with a bound that does not hold fails the run; one with an aim says whether it was reached."""

    def __init__(self, judge=True):
        self.rows, self._judge = [], judge

    def add(self, what, value, unit="", *, floor=None, ratio=None, bound=None, aim=None, above=False):
        """`value` and `floor`: a number, or (median, least, most). `bound` and `aim` hold for the ratio where there is one,
        for the value otherwise; `above`: that or more, otherwise that or less."""
        if not self._judge:
            bound = aim = None
        judged = ratio if ratio is not None else _median(value)
        row = {"what": what, "unit": unit, "value": value, "floor": floor, "ratio": ratio, "bound": bound, "aim": aim}
        for name, limit in (("holds", bound), ("reaches", aim)):
            row[name] = None if limit is None else (judged >= limit if above else judged <= limit)
        row["above"] = above
        self.rows.append(row)
        print(_line(row), flush=True)

    @property
    def failed(self):
        return [row["what"] for row in self.rows if row["holds"] is False]

    def save(self, path, machine):
        path.write_text(json.dumps({"machine": machine, "rows": self.rows}, indent=1) + "\n")

    @staticmethod
    def head():
        print(f"{'':50} {'danegate':>28} {'floor':>28} {'ratio':>6}  judged")


def _median(value):
    return value[0] if isinstance(value, (tuple, list)) else value


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _span(value, unit):
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        median, least, most = map(_number, value)
        return f"{median} ({least}-{most}) {unit}".rstrip()
    return f"{_number(value)} {unit}".rstrip()


def _line(row):
    sign = ">=" if row["above"] else "<="
    words = []
    if row["bound"] is not None:
        words.append(f"{sign} {row['bound']:g}: {'yes' if row['holds'] else 'NO'}")
    if row["aim"] is not None:
        words.append(f"aim {sign} {row['aim']:g}: {'yes' if row['reaches'] else 'no'}")
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    return (f"{row['what']:50} {_span(row['value'], row['unit']):>28} {_span(row['floor'], row['unit']):>28} {ratio:>6}  "
            + "; ".join(words)).rstrip()
