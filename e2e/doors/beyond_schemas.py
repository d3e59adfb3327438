"""Told to Schemathesis: what a service holds valid data to besides the schemas of its document.

A JSON Schema describes each value alone, by a pattern that every engine reads. These rules are about several values at
once, or about what a service has answered before, and a request may break them by chance. A refusal is right where every
error that the problem lists is one of these. The messages are the services' own: a rule that changes there must be
changed here.
"""

import json
import re

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

RULES = [
    re.compile(rule)
    for rule in (
        # Lists: a cursor is what the page before gave, and to the same question.
        r"must be the `next` of an answer to the same question",
        # GET /products of the catalog asks by ids or by a search. The parameters of a query stand each for itself.
        r"must not be given with ids",
        # GET /products of tracking compares two parameters.
        r"must not lie after to",
        # POST /carts/{cartId}/items: items differ as a whole (uniqueItems), or not at all.
        r"must name each product once",
        # GET /events: which partitions there are is a setting; a pattern counts none of them.
        r"must name each of the partitions 0 to \d+ once at the most",
        # Searches: which characters are letters is a list of hundreds of ranges. The pattern says it of ASCII.
        r"must hold a letter or a digit",
        # POST /imports: which texts after "http:" a URL's reader accepts.
        r"must be an http or https URL without a user and without control characters",
    )
]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps a failure unless it is such a refusal."""
    return not (isinstance(failure, RejectedPositiveData) and breaks_only_rules(response))


def breaks_only_rules(response):
    if response.status_code != 400:
        return False
    messages = [error["message"] for error in json.loads(response.content).get("errors", [])]
    return bool(messages) and all(any(rule.fullmatch(message) for rule in RULES) for message in messages)
