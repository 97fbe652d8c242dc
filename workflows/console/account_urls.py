"""Signing in and out, and the operator's own password and preferences."""

from __future__ import annotations

from django.contrib.auth import views as auth
from django.urls import path

from workflows.console.views import preferences

urlpatterns = [
    path(
        "sign-in/",
        auth.LoginView.as_view(redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path(
        "password/done/",
        auth.PasswordChangeDoneView.as_view(),
        name="password_change_done",
    ),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/theme/", preferences.set_theme, name="set_theme"),
    path("preferences/language/", preferences.set_language, name="choose_language"),
    path("preferences/time-zone/", preferences.set_time_zone, name="set_time_zone"),
    path("preferences/keys/", preferences.set_single_keys, name="set_single_keys"),
]
