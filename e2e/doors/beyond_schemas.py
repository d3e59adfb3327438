"""Told to Schemathesis: what a service holds valid data to besides the schemas of its document.

A JSON Schema describes each value alone, by a pattern that every engine reads. These rules are about several values at
once, or about what a service has answered before, and a request may break them by chance. A refusal is right where every
error that the problem lists is one of these.
"""

import json

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

# How the services' own messages begin.
RULES = (
    # Lists: a cursor is what the page before gave, and to the same question.
    "must be `next` of an answer to the same query",
    # GET /products of the catalog asks by ids or by a search. The parameters of a query stand each for itself.
    "must not be combined with ids",
    # Windows compare two parameters, or one with the time of the answer.
    "must not lie after to",
    "must lie at most ",
    "must not lie before the minutes that are answered",
    "must be given with compare",
    "must be at most ",
    # Lists as CSV, which a header may ask for: they have no pages.
    "must not be given with CSV",
    # POST /carts/{cartId}/items: items differ as a whole (uniqueItems), or not at all.
    "must name each product once",
    # GET /events: how many partitions there are is a setting, and a pattern does not count them.
    "must name each of the partitions 0 to ",
    # Searches: the letters are hundreds of ranges of characters. The pattern says it of ASCII.
    "must contain a letter or a digit",
    # POST /imports: which texts after "http:" a URL's reader accepts.
    "must be an http or https URL without a user and without control characters",
    # Time zones: their names come with the system's data, and change with it.
    "must be the IANA name of a time zone",
)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps a failure unless it is such a refusal, or a rebuild that was dropped: it stays, and says so."""
    if isinstance(failure, RejectedPositiveData):
        return not breaks_only_rules(response)
    if isinstance(failure, UseAfterFree):
        return not is_dropped_rebuild(response)
    return True


def is_dropped_rebuild(response):
    return response.status_code == 200 and json.loads(response.content).get("state") == "dropped"


def breaks_only_rules(response):
    if response.status_code != 400:
        return False
    errors = json.loads(response.content).get("errors", [])
    return bool(errors) and all(error["message"].startswith(RULES) for error in errors)
