"""What routing may count on at this site, before a study has come: the same for the node, a folder and `explain`."""

from node.route.case import MODEL_NAME, Known
from node.segment.registry import installed
from node.settings import Settings


def known_of(settings: Settings) -> Known:
    """Return the tasks of the installed models, the default of each, and how our own objects are known.

    Who called, and which instances are ours or rejected, is added by `replace` where it is known.
    """
    return Known(
        tasks=frozenset(task.value for card in installed(settings.models_dir) for task in card.tasks),
        lungs=settings.compute.lungs,
        lesions=settings.compute.lesions,
        own_equipment=(settings.objects.manufacturer, MODEL_NAME),
        earl=settings.rules.earl,
    )
