"""The sentence for each kind of error that the check of a request can find: what is wrong, and what to do.

The library that checks requests words its errors for programmers. The table has one sentence for each kind of error;
limits are filled in, and no sentence contains the value that was sent.
"""

import re
from collections.abc import Mapping
from typing import Any

DAY_FORM, TIME_FORM = "yyyy-mm-dd, such as 2026-11-03", "hh:mm, such as 09:30"
MOMENT_FORM = "a date and time with its time zone, such as 2026-11-03T09:30:00Z"
A_DAY, A_MOMENT, A_TIME = (
    f"This is not a date. Write {DAY_FORM}.",
    f"Write {MOMENT_FORM}.",
    f"Write a time as {TIME_FORM}.",
)
NO_NUMBER, NO_WHOLE = (
    "This is not a number. Write digits, such as 16 or 16.5.",
    "This is not a whole number. Write digits, such as 3.",
)
NO_TEXT, NO_LIST = "This must be text. Put it in quotes.", "This must be a list. Put the values in square brackets."
NO_OBJECT = "This must be an object with named fields. Put it in curly brackets."
NO_UUID = "This is not an id as Pathways gives it. Copy the id from the reply that named it."
NO_DURATION = "This is not a length of time. Write a number of days or seconds as the field's description says."
NOT_FINITE = "This must be an ordinary number. Write digits."
NO_CHOICE = "This is not one of the values that the field takes. Write one of: {expected}."
NO_URL = "This is not a web address. Write it in full, beginning with https://."
NO_BYTES, INTERNAL = (
    "This must be text. Send it in UTF-8.",
    "This value cannot be read. Compare it with the field's description.",
)
NO_FORM = "This is not in the form that the field takes. Compare it with the field's description."
# By a part of the pattern that a text must have: what to write, with an example.
FORMS = {
    "(mon|tue|wed|thu": "Write half-days as day and part, such as mon am; tue pm; wed eve; thu all day.",
    "^20[0-9]{2}-(0": "Write the month as yyyy-mm, such as 2026-11.",
    "^https?://": "Write the web address in full, such as https://www.example.org.",
    "{|}~-]+)*@": "Write an e-mail address, such as name@example.org.",
    "[^@": "Write an e-mail address, such as name@example.org.",
    "]{2,60}@[0-9]": "Write the name of the rule and its version, such as RULE_NAME@1.",
    "^[A-Z0-9_]{2,60}$": "Write the name of the rule in capital letters, digits and underscores, such as RULE_NAME.",
    "^[a-z0-9][a-z0-9-]*$": "Write small letters, digits and hyphens, such as green-cafe.",
    "^[A-Za-z0-9-]+$": "Write letters, digits and hyphens only, such as 1234567.",
    "[0-9a-f]{64}": "Write the 64 characters of the file's SHA-256 hash: digits and small letters a to f.",
    r"^[^*\x00": "Write the whole value on one line. A value with asterisks is masked and cannot be sent back.",
    r"\x1f": "Write the text on one line, without line breaks or other control characters.",
    r"^[^\x00]*$": "This text has a character that cannot be stored (NUL). Type it again.",
}
OUT_OF_STEP = "This cannot be given together with what else was sent. Compare it with the field's description."
WORDS: dict[str, str] = {
    "missing": "This field is needed. Fill it in.",
    "extra_forbidden": "There is no field of this name here. Remove it, or correct its name.",
    "none_required": "This must be left blank. Send null, or leave it out.",
    "json_invalid": "The request is not JSON that can be read. Check its quotes, commas and brackets.",
    "json_type": "This must be JSON text. Put it in quotes.",
    "greater_than": "The number must be more than {gt}. Correct it.",
    "greater_than_equal": "The number must be at least {ge}. Correct it.",
    "less_than": "The number must be less than {lt}. Correct it.",
    "less_than_equal": "The number must be at most {le}. Correct it.",
    "multiple_of": "The number must be a multiple of {multiple_of}. Correct it.",
    "finite_number": NOT_FINITE,
    "too_short": "At least {min_length} values are needed. Add more.",
    "too_long": "At most {max_length} values are taken. Send fewer.",
    "string_too_short": "At least {min_length} characters are needed. Write more.",
    "string_too_long": "At most {max_length} characters are taken. Shorten the text.",
    "string_type": NO_TEXT,
    "string_unicode": NO_BYTES,
    "string_not_ascii": "Only letters without accents, digits and signs are taken. Correct it.",
    "string_pattern_mismatch": NO_FORM,
    "enum": NO_CHOICE,
    "literal_error": NO_CHOICE,
    "missing_sentinel_error": "This must be left out.",
    "bool_type": "This must be true or false. Write one of them, without quotes.",
    "bool_parsing": "This must be true or false. Write one of them, without quotes.",
    **dict.fromkeys(["int_type", "int_parsing", "int_from_float"], NO_WHOLE),
    "int_parsing_size": "This number is too long. Write fewer digits.",
    **dict.fromkeys(["float_type", "float_parsing", "decimal_type", "decimal_parsing", "complex_type"], NO_NUMBER),
    "complex_str_parsing": NO_NUMBER,
    "decimal_max_digits": "The number may have at most {max_digits} digits. Shorten it.",
    "decimal_max_places": "The number may have at most {decimal_places} digits after the point. Round it.",
    "decimal_whole_digits": "The number may have at most {whole_digits} digits before the point. Correct it.",
    "list_type": NO_LIST,
    **dict.fromkeys(["tuple_type", "set_type", "frozen_set_type", "iterable_type", "iteration_error"], NO_LIST),
    "set_item_not_hashable": "This value cannot be in the list. Write a single value.",
    **dict.fromkeys(["dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"], NO_OBJECT),
    **dict.fromkeys(["dataclass_exact_type", "is_instance_of", "is_subclass_of", "callable_type"], INTERNAL),
    **dict.fromkeys(
        ["get_attribute_error", "no_such_attribute", "recursion_loop", "default_factory_not_called"], INTERNAL
    ),
    **dict.fromkeys(["frozen_field", "frozen_instance"], "This field cannot be changed. Leave it out."),
    "invalid_key": "The names of fields must be text. Put each name in quotes.",
    **dict.fromkeys(["date_type", "date_parsing"], A_DAY),
    "date_from_datetime_parsing": A_DAY,
    "date_from_datetime_inexact": f"This is a date with a time. Write only the date, as {DAY_FORM}.",
    "date_past": "The date must be in the past. Correct it.",
    "date_future": "The date must be in the future. Correct it.",
    **dict.fromkeys(["time_type", "time_parsing"], A_TIME),
    **dict.fromkeys(["datetime_type", "datetime_parsing", "datetime_object_invalid"], A_MOMENT),
    "datetime_from_date_parsing": A_MOMENT,
    "datetime_past": "The time must be in the past. Correct it.",
    "datetime_future": "The time must be in the future. Correct it.",
    "timezone_naive": "The time must have no time zone. Leave the zone out.",
    "timezone_aware": f"The time zone is missing. {A_MOMENT}",
    "timezone_offset": "The time has another time zone than is needed here. Correct it.",
    **dict.fromkeys(["time_delta_type", "time_delta_parsing"], NO_DURATION),
    **dict.fromkeys(["uuid_type", "uuid_parsing", "uuid_version"], NO_UUID),
    **dict.fromkeys(["url_type", "url_parsing", "url_syntax_violation"], NO_URL),
    "url_too_long": "The web address may have at most {max_length} characters. Use a shorter address.",
    "url_scheme": f"{NO_URL}",
    **dict.fromkeys(["bytes_type", "bytes_invalid_encoding"], NO_BYTES),
    "bytes_too_short": "At least {min_length} bytes are needed. Send more.",
    "bytes_too_long": "At most {max_length} bytes are taken. Send less.",
    **dict.fromkeys(
        ["union_tag_invalid", "union_tag_not_found"], "The kind of this object is missing or unknown. Correct it."
    ),
    **dict.fromkeys(["arguments_type", "missing_argument", "unexpected_keyword_argument"], OUT_OF_STEP),
    **dict.fromkeys(["missing_keyword_only_argument", "unexpected_positional_argument"], OUT_OF_STEP),
    **dict.fromkeys(["missing_positional_only_argument", "multiple_argument_values"], OUT_OF_STEP),
    **dict.fromkeys(["fraction_type", "fraction_parsing"], NO_NUMBER),
    **dict.fromkeys(["deque_type", "named_tuple_type"], NO_LIST),
    **dict.fromkeys(["ordered_dict_type", "counter_type", "frozen_dict_type"], NO_OBJECT),
    **dict.fromkeys(["ellipsis_error", "needs_python_object", "recursion_depth_exceeded"], INTERNAL),
    "value_error": INTERNAL,
    "assertion_error": INTERNAL,
}
ONE = re.compile(r"\b(At (?:least|most)) 1 (values|characters|bytes|digits) (are|is)\b")
BY_OUR_OWN_CHECK = {"value_error", "assertion_error"}


def sentence_of(fault: Mapping[str, Any]) -> str:
    """Return the sentence for one error of a request, as the library that checks requests describes it.

    The message of a check of our own is a sentence already, and so is every kind of error that is not in the table.
    """
    context = fault.get("ctx") or {}
    own = context.get("error")
    if fault["type"] in BY_OUR_OWN_CHECK and own is not None and str(own):
        return str(own)
    words = WORDS.get(fault["type"])
    if words is NO_FORM:
        pattern = str(context.get("pattern", ""))
        return next((sentence for part, sentence in FORMS.items() if part in pattern), NO_FORM)
    if words is None:
        return str(fault["msg"])
    try:
        sentence = words.format_map({name: str(limit).replace("'", "") for name, limit in context.items()})
    except KeyError:  # the library names no limit
        return INTERNAL
    return ONE.sub(lambda found: f"{found[1]} one {found[2][:-1]} is", sentence)
