"""Tells Schemathesis the rules that a service checks besides the schemas of its document.

A JSON Schema describes each value alone, by a pattern that every engine reads. These rules concern several values at once,
or earlier answers of the service, and a random request may break them. A refusal is right if every error that the problem
lists is one of these. The messages are copied from the services: change both together.
"""

import json
import re

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

RULES = [
    re.compile(rule)
    for rule in (
        # Lists: a cursor comes from the page before, of the same query.
        r"must be `next` of an answer to the same query",
        # GET /products of the catalog takes ids or a search. A schema describes each query parameter alone.
        r"must not be combined with ids",
        # GET /products of tracking compares two parameters.
        r"must not lie after to",
        # POST /carts/{cartId}/items: uniqueItems compares whole items, not their ids.
        r"must name each product once",
        # GET /events: the number of partitions is a setting, and a pattern cannot count.
        r"must name each of the partitions 0 to \d+ once at the most",
        # Searches: letters are hundreds of ranges of characters. The pattern covers ASCII only.
        r"must contain a letter or a digit",
        # POST /imports: a URL parser accepts more than a pattern can say.
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
