"""Signing in with a second factor, and what operators keep about themselves."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from campaign.access.console.views import profile, sign_in

urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="login"),
    path("sign-in/code/", sign_in.code, name="sign_in_code"),
    path("profile/", profile.profile, name="profile"),
    path("profile/details/", profile.details, name="profile_details"),
    path("password/", profile.password, name="password_change"),
    path("profile/second-factor/", profile.second_factor, name="second_factor"),
    path(
        "profile/second-factor/off/",
        profile.second_factor_off,
        name="second_factor_off",
    ),
    path("profile/sessions/end/", profile.end_sessions, name="end_sessions"),
    path(
        "preferences/",
        RedirectView.as_view(pattern_name="profile"),
        name="preferences",
    ),
]
