"""JSON answers by the encoder that also makes the frames."""

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework.renderers import BaseRenderer

_encode = msgspec.json.Encoder(enc_hook=str).encode  # what is not JSON's own is a lazily translated text


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else _encode(data)


class CSVRenderer(JSONRenderer):
    """For who asks for CSV, which streams past DRF; what is left to render is a refusal, in JSON as everywhere."""

    media_type = "text/csv"
    format = "csv"
