from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("authentication", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Attempts",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("full_at", models.FloatField(db_index=True)),
            ],
            options={"verbose_name_plural": "attempts"},
        ),
    ]
