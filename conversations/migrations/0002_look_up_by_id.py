"""The index that finds a response begins with its id: the project alone is no way to find one."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """The same constraint, in the order of the look-up."""

    dependencies: ClassVar = [("conversations", "0001_stored_responses")]
    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="response", name="response_of_project"),
        migrations.AddConstraint(
            model_name="response",
            constraint=models.UniqueConstraint(fields=["response_id", "project"], name="response_of_project"),
        ),
    ]
