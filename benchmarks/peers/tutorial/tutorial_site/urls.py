"""No pages: the peer is measured over its sockets."""

urlpatterns: list[object] = []
