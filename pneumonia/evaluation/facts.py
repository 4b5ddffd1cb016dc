"""What a clinician and a hospital's IT ask of a model first, as tables of its model card."""

from pneumonia.card import Card
from pneumonia.evaluation.report import table

FACTS = {  # code → name and text; the page tells them in six languages
    "does": ("what it does", "says how likely it is that a chest film of a child shows pneumonia"),
    "knows": ("whom it knows", "children of 1 to 5 years, frontal (AP) films, one hospital"),
    "not": (
        "when not to use it",
        "to diagnose, to exclude pneumonia, to decide on treatment; adults, infants under 1 year; "
        "lateral films; photographs of a screen; films with devices over the lungs",
    ),
    "stop": (
        "when to stop",
        "the page says OUT OF SCOPE or UNCERTAIN; the colours lie where you see nothing; what you "
        "see and what it says differ",
    ),
    "blind": (
        "what it cannot see",
        "anything but pneumonia; what surrounds the lungs it sees only faintly",
    ),
    "unmeasured": (
        "what was not measured",
        "other hospitals, sex, ethnicity, machines, effect on care",
    ),
}


def model_facts() -> str:
    """When to use it, when not, when to stop, on one screen.

    After Sendak et al. 2020, "Presenting machine learning model information to clinical end users
    with model facts labels".
    """
    return f"## Model facts\n\n{table(['', ''], FACTS.values())}"


def applied_model_card(card: Card) -> str:
    """The fields of the Applied Model Card of the Coalition for Health AI."""
    data, recipe = card.training.data, card.training.recipe
    forgot, refitted = card.training.outline_forgotten_by, card.training.refitted_by
    rows = {
        "developer": "the maintainers of this repository; inquiries by its issues",
        "release": f"research demonstration, version {card.version}, {card.training.finished}",
        "regulatory approval": "none, and none sought",
        "intended users": "clinicians who try it, teachers, engineers, researchers",
        "clinical risk level": "not for clinical use",
        "workflow": "a film is dropped into a page; its answer is read beside the film by a person "
        "who reads films",
        "outcome, output": "calibrated P(PNEUMONIA), a verdict with UNCERTAIN, a map of evidence",
        "model type": "convolutional network on the lungs, pooled over them; no foundation model",
        "input": "one frontal chest film; of its DICOM elements, age, view and body part decide on "
        "scope alone",
        "development data": f"{data.films:,} films of {data.patients:,} patients: {data.name}",
        "bias mitigation": "lungs first; both classes perturbed, framed and grafted alike"
        + ("; opacities drawn into films of NORMAL" if recipe.get("opacities") else "")
        + ("; misleading surroundings seen more often" if recipe.get("conflicting") else "")
        + ("; classifier fitted last, to lungs in other surroundings, too" if refitted else "")
        + ("; what covered lungs tell taken from the classifier" if forgot else ""),
        "known biases": "one hospital and age; the classes' films were exposed, cropped and saved "
        "differently (see the audit)",
        "usefulness, fairness, safety": "performance and robustness in “Figures”; effect on care "
        "and differences by sex, age or origin were not measured: the data set names none",
        "maintenance": "each version is measured by `pneumonia evaluate`; use is not monitored",
        "funding, third parties": "none; films and outlines as credited below",
    }
    return f"## Applied model card\n\n{table(['', ''], rows.items())}"
