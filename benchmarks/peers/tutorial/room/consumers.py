"""The tutorial's chat consumer with what any real one adds: a token, a membership check and a stored message."""

import json
from typing import Any

import jwt
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from room.models import Message, Participant


class RoomConsumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        self.conversation = str(self.scope["url_route"]["kwargs"]["conversation_id"])
        self.group = f"room_{self.conversation}"
        token = dict(self.scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        try:
            self.user = jwt.decode(token, settings.JWT_KEY, algorithms=["HS256"])["sub"]
        except jwt.InvalidTokenError:
            await self.close()
            return
        if not await database_sync_to_async(self.takes_part)():
            await self.close()
            return
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send(text_data=json.dumps({"type": "connected"}))

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = json.loads(text_data or "")
        message = await database_sync_to_async(self.store)(frame["client_id"], frame["body"])
        if message is None:
            await self.send(text_data=json.dumps({"type": "error", "code": "not_found"}))
            return
        await self.send(text_data=json.dumps({"type": "ack", "client_id": message["client_id"], "message": message}))
        await self.channel_layer.group_send(self.group, {"type": "room.message", "message": message})

    async def room_message(self, event: dict[str, Any]) -> None:
        message = event["message"]
        frame = {"type": "message", "client_id": message["client_id"], "message": message}
        await self.send(text_data=json.dumps(frame))

    def takes_part(self) -> bool:
        return Participant.objects.filter(conversation_id=self.conversation, user_id=self.user).exists()

    def store(self, client_id: str, body: str) -> dict[str, Any] | None:
        if not self.takes_part():
            return None
        row = Message.objects.create(
            conversation_id=self.conversation, sender_id=self.user, client_id=client_id, body=body
        )
        return {
            "id": row.id,
            "conversation": self.conversation,
            "sender": self.user,
            "client_id": client_id,
            "body": body,
            "created_at": row.created_at.isoformat(),
        }
