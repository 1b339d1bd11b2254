"""What becomes of a message's header fields when an MTA carries out the changes that a filter asked for.

Seen live with Postfix 3.7.11 and Sendmail 8.17.1.9, which differ where it hurts:
- counting: fields of one name are counted from 1. A deleted field no longer counts in Postfix; in Sendmail it does.
  So deleting 1, 2, 3 of three fields leaves the second one with Postfix; 3, 2, 1 deletes all with both.
- adding: at the end with Postfix; with Sendmail before the first field of the same name, if there is one, which
  moves the count of that name.
- inserting: 0 is above the MTA's own Received field, 1 below it. An inserted field counts like the others.
- changing a field that is not there adds it; deleting it does nothing.
"""


class _Field:
    def __init__(self, name, value):
        self.name, self.value = name, value

    def named(self, name):
        return self.name.lower() == name.lower()


def apply(modifications, headers, mta="postfix"):
    """The (name, value) pairs that are delivered, without the MTA's own Received field."""
    assert mta in ("postfix", "sendmail"), mta
    own = _Field("Received", "by the MTA")
    fields = [own, *(_Field(name, value) for name, value in headers)]
    for item in modifications:
        if item.kind == "insert":
            _insert(fields, item, mta)
        elif item.kind == "add":
            _add(fields, item, mta)
        elif item.kind == "change":
            _change(fields, own, item, mta)
    return [(field.name, field.value) for field in fields if field is not own and field.value is not None]


def _insert(fields, item, mta):
    if mta == "sendmail" and item.index > 1:
        raise ValueError("Sendmail counts fields here that it has not made yet, so nobody can say where this goes")
    fields.insert(item.index, _Field(item.name, item.value))


def _add(fields, item, mta):
    at = len(fields)
    if mta == "sendmail":
        at = next((at for at, field in enumerate(fields) if field.named(item.name)), at)
    fields.insert(at, _Field(item.name, item.value))


def _change(fields, own, item, mta):
    found = [field for field in fields if field.named(item.name) and field is not own]
    if mta == "postfix":
        found = [field for field in found if field.value is not None]
    index = max(item.index, 1)
    if index <= len(found):
        found[index - 1].value = item.value or None
    elif item.value:
        _add(fields, item, mta)
