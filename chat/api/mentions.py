"""Where colleagues named me, over REST, for staff."""

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.requests import UserRequest
from accounts.text import timestamp
from chat.api.schema import endpoint
from chat.errors import Forbidden
from chat.models import Mention
from chat.serializers import MentionShape, full_message


class MentionViewSet(ViewSet):
    @endpoint(
        "Staff notes that name me and that I may read, the latest first",
        answer=MentionShape,
        page=True,
        query=paging.PAGE_QUERY,
        refusals=(403,),
        tag="staff",
    )
    def list(self, request: UserRequest) -> Response:
        if not request.user.is_staff:
            raise Forbidden("Staff notes are for staff.")
        pages = paging.Pages(("-id",))
        rows = Mention.objects.of(request.user).complete()
        return pages.answer([_shape(mention) for mention in pages.page_of(rows, request)])


def _shape(mention: Mention) -> MentionShape:
    notes = mention.message.conversation
    return MentionShape(full_message(mention.message), notes.pk, notes.noted_trade.pk, timestamp(mention.created_at))
