"""The people of a group over REST: added, given a role, put out."""

from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.requests import UserRequest, read_body
from chat.actions import groups
from chat.api import bodies
from chat.api.schema import endpoint
from chat.enums import ConversationKind, ParticipantRole
from chat.serializers import ParticipantShape, participant_shape


class ParticipantViewSet(ViewSet):
    @endpoint(
        "Add somebody to a group",
        body=bodies.NewParticipant,
        answer=ParticipantShape,
        status=201,
        also={200: "They were in it already, and stay as they are."},
        refusals=(403, 404, 409),
        description="Owners and moderators add members; only owners add with another role.",
    )
    def create(self, request: UserRequest, conversation_id: UUID) -> Response:
        body = read_body(request, bodies.NewParticipant)
        participant, created = groups.add(
            actor=request.user,
            conversation_id=conversation_id,
            user_id=body.user_id,
            role=ParticipantRole(body.role),
        )
        return Response(participant_shape(participant, kind=ConversationKind.GROUP), status=201 if created else 200)

    @endpoint(
        "Give somebody in a group another role",
        body=bodies.ParticipantChange,
        answer=ParticipantShape,
        refusals=(403, 404, 409),
        description="Owners only. The last owner stays one (`conflict`).",
    )
    def partial_update(self, request: UserRequest, conversation_id: UUID, user_id: UUID) -> Response:
        role = ParticipantRole(read_body(request, bodies.ParticipantChange).role)
        participant = groups.change_role(
            actor=request.user, conversation_id=conversation_id, user_id=user_id, role=role
        )
        return Response(participant_shape(participant, kind=ConversationKind.GROUP))

    @endpoint(
        "Remove somebody from a group, or leave it",
        status=204,
        refusals=(403, 404, 409),
        description="Nothing of the group reaches them from then on. The last owner makes somebody else one first.",
    )
    def destroy(self, request: UserRequest, conversation_id: UUID, user_id: UUID) -> Response:
        groups.remove(actor=request.user, conversation_id=conversation_id, user_id=user_id)
        return Response(status=204)
