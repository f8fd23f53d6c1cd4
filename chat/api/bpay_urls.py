"""The addresses of the BPay app's calls, with and without a slash at the end, below api/chat/."""

from django.urls import re_path

from chat.api.bpay import AdminMessages, TradeMessages

urlpatterns = [
    re_path(r"^trade/(?P<reference>.{1,64})/messages/?$", TradeMessages.as_view({"get": "list"})),
    re_path(r"^trade/(?P<reference>.{1,64})/message/?$", TradeMessages.as_view({"post": "create"})),
    re_path(r"^admin/messages/?$", AdminMessages.as_view({"get": "list"})),
    re_path(r"^admin/message/?$", AdminMessages.as_view({"post": "create"})),
]
