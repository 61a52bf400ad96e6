"""What the programs of clients share: each call is a line `CALL<TAB>ok` or `CALL<TAB>no …`."""

from azure.core.exceptions import HttpResponseError


def call(name, what):
    try:
        what()
        print(f"{name}\tok")
    except Exception as error:  # what a client throws is what is asked for
        code = getattr(error, "error_code", None) or type(error).__name__
        said = (str(error) or repr(error)).splitlines()[0]
        print(f"{name}\tno {code}: {said}")


def expect(is_so, what="not as expected"):
    if not is_so:
        raise AssertionError(what)


def refused(what, code):
    try:
        what()
    except HttpResponseError as error:
        # Blobs tell it by a header, the resource manager in the body.
        said = getattr(error, "error_code", None) or (error.error.code if error.error else "")
        expect(code in said, f"{said} and not {code}")
    else:
        raise AssertionError("it was not refused")
