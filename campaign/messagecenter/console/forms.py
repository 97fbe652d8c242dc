"""Forms of event types and message templates; the services judge their values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.deliveries.models import Channel
from campaign.messagecenter.models import EventType, MessageTemplate
from campaign.messagecenter.services.attributes import TYPE_LABELS
from campaign.messagecenter.services.templates import CONTENT_FIELDS
from workflows.exceptions import Fault

#: Empty rows offered for further attributes.
SPARE_ROWS = 3
UNITS = (
    (60, gettext_lazy("minutes")),
    (3_600, gettext_lazy("hours")),
    (86_400, gettext_lazy("days")),
)


class FaultsMixin:
    """A form that can show the faults that a service found."""

    def show_faults(self, faults: Iterable[Fault]) -> None:
        """Put each fault at its field; those of no field on top."""
        form: Any = self
        if form._errors is None:
            form._errors = ErrorDict()
        for fault in faults:
            name = fault.field if fault.field in form.fields else "__all__"
            text = fault.message
            if name == "__all__" and fault.field:
                text = f"{fault.field}: {fault.message}"
            form._errors.setdefault(name, form.error_class()).append(text)


class EventTypeForm(FaultsMixin, forms.Form):
    """The head of an event type."""

    event_id = forms.CharField(
        label=gettext_lazy("Event id"),
        max_length=64,
        help_text=gettext_lazy(
            "Callers use it in the address. EVT is put in front when it is missing;"
            " letters, digits and underscores."
        ),
    )
    label = forms.CharField(label=gettext_lazy("Label"), max_length=128)
    channel = forms.TypedChoiceField(
        label=gettext_lazy("Channel"),
        choices=Channel.choices,
        coerce=int,
        initial=Channel.EMAIL,
        help_text=gettext_lazy("Stays as it is once the type exists."),
    )
    targeting = forms.ChoiceField(
        label=gettext_lazy("Targeting"),
        choices=EventType.Targeting.choices,
        initial=EventType.Targeting.EVENT,
        help_text=gettext_lazy("Stays as it is once the type exists."),
    )

    def __init__(self, *args: Any, is_new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_new:
            for name in ("event_id", "channel", "targeting"):
                del self.fields[name]


class AttributeForm(FaultsMixin, forms.Form):
    """One declared attribute; a row without a name is left out."""

    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=200)
    type = forms.ChoiceField(
        label=gettext_lazy("Type"), choices=list(TYPE_LABELS.items()), initial="string"
    )
    mandatory = forms.BooleanField(label=gettext_lazy("Mandatory"), required=False)


AttributeFormSet = forms.formset_factory(
    AttributeForm, extra=0, max_num=220, absolute_max=220
)


def attribute_rows(
    attributes: Sequence[Mapping[str, Any]] = (), spare: int = SPARE_ROWS
) -> list[dict[str, Any]]:
    """Return the initial rows of the attribute table: those declared, and spare."""
    rows = [dict(attribute) for attribute in attributes]
    return rows + [{"name": "", "type": "string"} for _row in range(spare)]


def attributes_of(formset: Any) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the declaration that a valid table holds, and each row's place in it."""
    attributes, places = [], []
    for index, form in enumerate(formset.forms):
        name = form.cleaned_data.get("name", "").strip()
        if not name:
            continue
        places.append(index)
        attributes.append(
            {
                "name": name,
                "type": form.cleaned_data["type"],
                "mandatory": form.cleaned_data["mandatory"],
            }
        )
    return attributes, places


def show_attribute_faults(
    form: EventTypeForm, formset: Any, places: list[int], faults: Sequence[Fault]
) -> None:
    """Put faults such as ``attributes.2.name`` at their row, others at the head."""
    for fault in faults:
        head, _sep, rest = fault.field.partition(".")
        number, _sep, field = rest.partition(".")
        if head == "attributes" and number.isdecimal() and int(number) < len(places):
            row = formset.forms[places[int(number)]]
            row.show_faults([Fault(field or "name", fault.message)])
        else:
            form.show_faults([fault])


class PeriodWidget(forms.MultiWidget):
    """A number and its unit."""

    use_fieldset = True

    def __init__(self) -> None:
        number = forms.NumberInput(
            attrs={"min": 1, "aria-label": gettext_lazy("Length")}
        )
        unit = forms.Select(choices=UNITS, attrs={"aria-label": gettext_lazy("Unit")})
        super().__init__({"number": number, "unit": unit})

    def decompress(self, value: int | None) -> list[Any]:
        """Return seconds as a number of the largest unit that fits."""
        if not value:
            return [None, 86_400]
        unit = max((size for size, _name in UNITS if value % size == 0), default=60)
        return [value / unit if value % unit else value // unit, unit]


class PeriodField(forms.MultiValueField):
    """A length of time, in seconds."""

    def __init__(self, **kwargs: Any) -> None:
        fields = (
            forms.FloatField(min_value=0),
            forms.TypedChoiceField(choices=UNITS, coerce=int),
        )
        super().__init__(fields, widget=PeriodWidget(), **kwargs)

    def compress(self, data_list: list[Any]) -> int:
        """Return the length in whole seconds."""
        return round(data_list[0] * data_list[1]) if data_list else 0


class SampleField(forms.CharField):
    """JSON in a text area; a fault names line and column."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """Show data readably, and what was typed as it was typed."""
        if isinstance(value, str):
            return value
        return json.dumps(value or {}, indent=2, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        """Return the data."""
        text = super().clean(value)
        if not text:
            return {}
        try:
            return json.loads(text)
        except ValueError as error:
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            raise forms.ValidationError(
                _("Line %(line)s, column %(column)s: this is no JSON (%(why)s).")
                % {"line": line, "column": column, "why": getattr(error, "msg", "")}
            ) from error


def _code(rows: int) -> forms.Textarea:
    return forms.Textarea(
        attrs={"class": "code", "rows": rows, "spellcheck": "false", "wrap": "off"}
    )


class TemplateForm(FaultsMixin, forms.Form):
    """A message template: head, content, sample data."""

    internal_name = forms.CharField(
        label=gettext_lazy("Internal name"),
        max_length=64,
        help_text=gettext_lazy("Letters, digits, - and _; stays as it is."),
    )
    event_type = forms.ChoiceField(
        label=gettext_lazy("Event type"),
        help_text=gettext_lazy("Gives the channel and the names that content may use."),
    )
    label = forms.CharField(label=gettext_lazy("Label"), max_length=128)
    validity_seconds = PeriodField(
        label=gettext_lazy("Validity of a message"),
        initial=432_000,
        help_text=gettext_lazy("Afterwards a message is not tried any more."),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"), max_length=512, required=False
    )
    sender_name = forms.CharField(
        label=gettext_lazy("Sender name"), max_length=128, required=False
    )
    sender_address = forms.CharField(
        label=gettext_lazy("Sender address"),
        required=False,
        help_text=gettext_lazy("Empty: the address of this instance."),
    )
    reply_address = forms.CharField(label=gettext_lazy("Reply address"), required=False)
    html = forms.CharField(
        label=gettext_lazy("HTML content"),
        required=False,
        widget=_code(16),
        strip=False,
    )
    text = forms.CharField(
        label=gettext_lazy("Text content"),
        required=False,
        widget=_code(9),
        strip=False,
    )
    sample = SampleField(
        label=gettext_lazy("Sample data"),
        required=False,
        widget=_code(9),
        help_text=gettext_lazy("The body of an event, for the preview."),
    )
    modified = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        types: Sequence[EventType] = (),
        is_new: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if is_new:
            choices = [(row.event_id, f"{row.label} ({row.event_id})") for row in types]
            field = self.fields["event_type"]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 (for the types)
            field.choices = [("", "—"), *choices]
        else:
            del self.fields["internal_name"], self.fields["event_type"]

    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        names = ("label", *CONTENT_FIELDS, "sample", "validity_seconds")
        return {name: self.cleaned_data[name] for name in names}

    @classmethod
    def of(cls, template: MessageTemplate) -> TemplateForm:
        """Return the form that shows a stored draft."""
        names = ("label", *CONTENT_FIELDS, "sample", "validity_seconds")
        initial = {name: getattr(template, name) for name in names}
        initial["modified"] = template.modified_at.isoformat()
        return cls(initial=initial)
