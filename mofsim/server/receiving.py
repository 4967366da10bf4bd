"""Forms with a file; a large one goes to the disk while it comes."""

from pathlib import Path

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from mofsim.core.errors import Invalid
from mofsim.server.errors import Refused

#: what the parts beside the file may be long
_MAX_FIELD_BYTES = 50_000


async def receive_form(request: Request, path: Path) -> FormData:
    """The form, whose one file is written to `path`; raises Refused for what is no form, or one with two files."""
    parser = _Parser(request.headers, request.stream(), max_files=1, max_fields=20, max_part_size=_MAX_FIELD_BYTES)
    parser.path = path
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused(400, "MalformedForm", f"the form can not be read: {error.message}") from error
    # All of the file is on the disk now.
    await form.close()
    return form


def file_of(form: FormData, what: str) -> UploadFile:
    """The one file of a form; raises Invalid, which asks for `what`."""
    found = form.getlist("file")
    if not found:
        raise Invalid(f"is missing; send {what} in this field of the form", field="file")
    if len(found) > 1:
        raise Invalid("send one file at a time", field="file")
    upload = found[0]
    if isinstance(upload, str):
        raise Invalid("must be sent as a file, with a file name (in curl: -F file=@PATH)", field="file")
    if not upload.size:
        raise Invalid(f"the file is empty; give {what}", field="file", type="empty")
    return upload


class _Parser(MultiPartParser):
    """Starlette's own collects files in the system's temporary folder, which is in memory on many machines."""

    path: Path

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        upload = self._current_part.file
        if upload is not None:
            upload.file.close()
            upload.file = self.path.open("wb")
            self._files_to_close_on_error.append(upload.file)  # type: ignore[arg-type]
