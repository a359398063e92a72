"""The questions about a placement, in the eight steps in which a social enterprise lists it."""

from pathways.pages.forms import FormQuestion, options
from pathways.pages.steps import Step, StepForm
from pathways.placements.models import DbsLevel, PlacementKind, Remote
from pathways.placements.schemas import PlacementChange

K = PlacementKind
KINDS = {
    K.JOB_OPEN: "Paid job",
    K.JOB_ILM: "Paid job for a limited time, with support",
    K.JOB_GUARANTEE: "Paid job under a job guarantee",
    K.APPRENTICESHIP: "Apprenticeship",
    K.SUPPORTED_INTERNSHIP: "Supported internship",
    K.WORK_TRIAL_JCP: "Work trial through the job centre",
    K.SWAP: "Sector-based work academy (SWAP)",
    K.WORK_EXPERIENCE: "Work experience",
    K.TASTER: "Taster",
    K.SHADOWING: "Work shadowing",
    K.VOLUNTEERING: "Volunteering",
    K.SELF_EMPLOYMENT: "Self-employment",
}
KIND_HINTS = {
    K.JOB_OPEN: "An ordinary vacancy. At least the minimum wage is paid.",
    K.JOB_ILM: "A waged place that prepares for a job elsewhere.",
    K.JOB_GUARANTEE: "A waged place that a programme pays for.",
    K.APPRENTICESHIP: "Paid work with training towards a qualification.",
    K.SUPPORTED_INTERNSHIP: "A study programme at the workplace for a young person with an EHC plan. Unpaid.",
    K.WORK_TRIAL_JCP: "Some days to try a job, with the person's benefits going on. Unpaid.",
    K.SWAP: "Training, work experience and an interview, arranged with the job centre. Unpaid.",
    K.WORK_EXPERIENCE: "Some weeks to learn what work is like. Unpaid.",
    K.TASTER: "A day or two to try the work. Unpaid.",
    K.SHADOWING: "Watching somebody at work. Unpaid.",
    K.VOLUNTEERING: "Unpaid work for a charity, which the person may leave at any time.",
    K.SELF_EMPLOYMENT: "The person works on their own account, with your help.",
}
REMOTE = {Remote.NO: "No, at the workplace", Remote.HYBRID: "Partly at home", Remote.YES: "Entirely at home"}
DBS = {
    DbsLevel.NONE: "None",
    DbsLevel.BASIC: "Basic",
    DbsLevel.STANDARD: "Standard",
    DbsLevel.ENHANCED: "Enhanced",
    DbsLevel.ENHANCED_BL_CHILD: "Enhanced with the children's barred list",
    DbsLevel.ENHANCED_BL_ADULT: "Enhanced with the adults' barred list",
    DbsLevel.ENHANCED_BL_BOTH: "Enhanced with both barred lists",
}
POSTCODE = r"[A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2}"
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s.]+"
ONE_A_LINE = "Write each on a line of its own."


STEPS = (
    Step(
        "kind",
        "What do you offer?",
        (
            FormQuestion(
                "title",
                "text",
                "Title of the placement",
                "As in an advert, such as Kitchen assistant.",
                missing="Enter a title",
            ),
            FormQuestion(
                "kind",
                "one",
                "What kind of placement is it?",
                options=options(KINDS, KIND_HINTS),
                missing="Choose the kind of placement",
            ),
            FormQuestion("places", "number", "How many people can you take?", width="2"),
        ),
    ),
    Step(
        "work",
        "The work",
        (
            FormQuestion(
                "occupation",
                "text",
                "What would you call this work?",
                "A usual name, such as kitchen assistant or gardener. It decides who is put forward.",
            ),
            FormQuestion(
                "description", "long", "What does the person do in a day?", "Plain words. Do not name anybody.", rows=6
            ),
        ),
    ),
    Step(
        "skills",
        "Skills and training",
        (
            FormQuestion(
                "essential_skills",
                "lines",
                "Skills the person must have on the first day",
                f"Only what you would turn somebody away for. {ONE_A_LINE}",
            ),
            FormQuestion("desirable_skills", "lines", "Skills that help", ONE_A_LINE),
            FormQuestion("training_given", "lines", "What you teach", f"Such as food hygiene. {ONE_A_LINE}"),
            FormQuestion(
                "licences_needed",
                "lines",
                "Licences or tickets that are needed",
                f"Such as a driving licence or a CSCS card. {ONE_A_LINE}",
                rows=2,
            ),
        ),
    ),
    Step(
        "place",
        "Where it is",
        (
            FormQuestion(
                "postcode",
                "text",
                "Postcode of the workplace",
                "Journeys are worked out from it.",
                width="10",
                autocomplete="postal-code",
                pattern=POSTCODE,
                wrong="Enter a full UK postcode, such as M1 1AE",
            ),
            FormQuestion("remote", "one", "Can it be done at home?", options=options(REMOTE)),
        ),
    ),
    Step(
        "time",
        "When it is",
        (
            FormQuestion(
                "half_days", "half_days", "When is the work?", "Tick each part of a day on which somebody works."
            ),
            FormQuestion("hours_per_week", "number", "Hours a week", width="4", suffix="hours"),
            FormQuestion("hours_flexible", "yes_no", "Can the hours be changed for a person?"),
            FormQuestion("starts_on", "day", "First day", "Leave it blank if somebody can start at any time."),
            FormQuestion("ends_on", "day", "Last day", "Leave it blank if the work goes on."),
            FormQuestion(
                "closes_on", "day", "Until when can people be put forward?", "Leave it blank if there is no last day."
            ),
        ),
    ),
    Step(
        "pay",
        "Pay",
        (
            FormQuestion(
                "pay_per_hour_pounds",
                "pounds",
                "Pay for one hour",
                "Before tax. Leave it blank if it is unpaid.",
                width="5",
                suffix="an hour",
            ),
        ),
    ),
    Step(
        "checks",
        "Checks and limits",
        (
            FormQuestion(
                "dbs_level",
                "one",
                "Which DBS check does the work need?",
                "Ask for no more than the law allows for this work.",
                options=options(DBS),
            ),
            FormQuestion(
                "right_to_work_needed",
                "yes_no",
                "Must the person have the right to work in the UK?",
                "It is needed for paid work.",
            ),
            FormQuestion("minimum_age", "number", "Youngest age", width="2"),
            FormQuestion(
                "maximum_age",
                "number",
                "Oldest age",
                "A limit needs an exception that the law allows. Leave it blank if there is none.",
                width="2",
            ),
            FormQuestion(
                "ring_fenced_for",
                "text",
                "Is it only for a group of people?",
                "Such as care leavers or disabled people. Leave it blank if it is for everybody.",
            ),
            FormQuestion(
                "legal_basis",
                "text",
                "Which law allows the limit?",
                "Leave it blank if you gave no limit above. Else such as: Equality Act 2010, schedule 9.",
            ),
        ),
    ),
    Step(
        "support",
        "The workplace and support",
        (
            FormQuestion(
                "environment",
                "lines",
                "What is the workplace like?",
                f"Such as noisy, outdoors, hot, quiet, step-free. {ONE_A_LINE}",
            ),
            FormQuestion(
                "adjustments_offered",
                "lines",
                "Adjustments you can make",
                f"Such as a quiet space, later starts, written instructions. {ONE_A_LINE}",
            ),
            FormQuestion(
                "support_offered", "lines", "Support you give", f"Such as a buddy or a supervisor. {ONE_A_LINE}"
            ),
            FormQuestion(
                "contact_email",
                "email",
                "E-mail address for questions about this placement",
                "Only caseworkers see it.",
                autocomplete="email",
                pattern=EMAIL,
                wrong="Enter an e-mail address, such as name@example.org",
            ),
        ),
    ),
)
LISTING = StepForm(
    address="/placements/new",
    title="List a placement",
    check_title="Check what you say about the placement",
    steps=STEPS,
    partial=PlacementChange,
    leaves_to="/",
    sends="Publish",
    saves="Save as a draft",
    last_words="Once it is published, caseworkers can put people forward, and you get an e-mail each time.",
)
