"""The authenticator app of a staff member: its secret, and the codes for the day the phone is gone."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SecondFactor(models.Model):
    """
    One per person, without effect until `confirmed_at`. A code counts once: neither the time step of the last one
    used nor an older one is taken again.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="second_factor"
    )
    secret = models.CharField(max_length=64, editable=False, help_text="Base32, as authenticator apps take it.")
    last_step = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"authenticator of {self.user_id}"


class RecoveryCode(models.Model):
    """Stands in for a code of the app, once: using it deletes it. Only its SHA-256 is kept."""

    id = models.BigAutoField(primary_key=True)
    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["factor", "digest"], name="one_recovery_code_per_digest")]

    def __str__(self) -> str:
        return self.digest[:8]
