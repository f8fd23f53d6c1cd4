"""The addresses of accounts, below api/v1/."""

from django.urls import path

from accounts.api import auth, people

urlpatterns = [
    path("auth/register/", auth.RegisterView.as_view(), name="register"),
    path("auth/token/", auth.TokenView.as_view(), name="token"),
    path("auth/token/refresh/", auth.RefreshView.as_view(), name="token-refresh"),
    path("auth/logout/", auth.LogOutView.as_view(), name="logout"),
    path("auth/logout-all/", auth.LogOutAllView.as_view(), name="logout-all"),
    path("me/", people.MeView.as_view(), name="me"),
    path("me/password/", people.PasswordView.as_view(), name="me-password"),
    path("users/<uuid:user_id>/", people.UserView.as_view(), name="user"),
    path("ws-ticket/", auth.TicketView.as_view(), name="ws-ticket"),
]
