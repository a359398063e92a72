"""The questions about a person: their details, their vocational profile and what a referral adds, in plain words."""

from pathways.jobseekers.models import EverPaidWork, RightToWork
from pathways.pages.forms import FormQuestion, Option, options
from pathways.pages.steps import Step

ONE_A_LINE = "Write each on a line of its own."
RIGHT_TO_WORK = {
    RightToWork.UNRESTRICTED: "Yes, without limits",
    RightToWork.TIME_LIMITED: "Yes, for a limited time",
    RightToWork.NOT_EVIDENCED: "Probably, but the papers were not seen",
    RightToWork.NO: "No",
    RightToWork.UNKNOWN: "Not known",
}
EVER_PAID = {EverPaidWork.YES: "Yes", EverPaidWork.NO: "No", EverPaidWork.UNKNOWN: "Not known"}
LEVELS = (
    Option("E1", "Entry level 1"),
    Option("E2", "Entry level 2"),
    Option("E3", "Entry level 3"),
    Option("1", "Level 1"),
    Option("2", "Level 2, such as GCSE grades 4 to 9"),
    Option("3", "Level 3, such as A levels"),
    Option("4", "Level 4"),
    Option("5", "Level 5"),
    Option("6", "Level 6, such as a degree"),
    Option("7", "Level 7"),
    Option("8", "Level 8"),
)
MODES = (
    Option("walk", "On foot"),
    Option("bicycle", "Bicycle"),
    Option("bus", "Bus or tram"),
    Option("tube", "Underground"),
    Option("train", "Train"),
    Option("car", "Car"),
)

NAME = Step(
    "name",
    "Who is it?",
    (
        FormQuestion("given_name", "text", "First names", missing="Enter a first name"),
        FormQuestion("family_name", "text", "Last name"),
        FormQuestion("known_as", "text", "What they like to be called"),
        FormQuestion("date_of_birth", "day", "Date of birth"),
    ),
)
CONTACT = Step(
    "contact",
    "How to get in touch",
    (
        FormQuestion("phone", "phone", "Telephone", width="20"),
        FormQuestion("email", "email", "E-mail address"),
        FormQuestion("postcode", "text", "Postcode of the home", width="10"),
        FormQuestion(
            "safe_contact", "text", "How is it safe to get in touch?", "Such as: text only, never leave a message."
        ),
        FormQuestion("language", "text", "Language", "If it is not English."),
        FormQuestion("interpreter_needed", "yes_no", "Is an interpreter needed?"),
    ),
)
NUMBERS = Step(
    "numbers",
    "Numbers",
    (
        FormQuestion("nino", "text", "National Insurance number", width="20"),
        FormQuestion("nhs_number", "text", "NHS number", width="20"),
        FormQuestion("council_person_id", "text", "Council reference number", width="20"),
    ),
    "Leave blank what you do not know. The numbers are kept sealed.",
)
WISHES = Step(
    "wishes",
    "Wishes",
    (
        FormQuestion("aspirations", "lines", "What work would they like?", f"In their words. {ONE_A_LINE}"),
        FormQuestion("avoid", "lines", "What do they want to avoid?", f"Such as nights, crowds, meat. {ONE_A_LINE}"),
        FormQuestion("interests", "lines", "What are they interested in?", ONE_A_LINE),
    ),
)
SKILLS = Step(
    "skills",
    "Skills and experience",
    (
        FormQuestion("skills", "lines", "What can they do?", f"Also from home, school or caring. {ONE_A_LINE}"),
        FormQuestion("strengths", "lines", "What are they good at?", f"Such as patient, on time. {ONE_A_LINE}"),
        FormQuestion("qualification_level", "select", "Highest qualification", options=LEVELS),
        FormQuestion("licences", "lines", "Licences and tickets", f"Such as a driving licence. {ONE_A_LINE}", rows=2),
        FormQuestion("ever_paid_work", "one", "Have they ever had paid work?", options=options(EVER_PAID)),
    ),
)
TIME = Step(
    "time",
    "When they can work",
    (
        FormQuestion("half_days", "half_days", "When are they free for work?"),
        FormQuestion("hours_min", "number", "Fewest hours a week", width="4", suffix="hours"),
        FormQuestion("hours_max", "number", "Most hours a week", width="4", suffix="hours"),
        FormQuestion(
            "earliest_start_on", "day", "From which day can they start?", "Leave it blank only if that is not known."
        ),
    ),
)
TRAVEL = Step(
    "travel",
    "Travel",
    (
        FormQuestion("travel_modes", "several", "How can they travel?", options=MODES),
        FormQuestion("max_travel_minutes", "number", "Longest journey, one way", width="4", suffix="minutes"),
        FormQuestion("can_travel_alone", "yes_no", "Can they travel alone?"),
    ),
)
NEEDS = Step(
    "needs",
    "What they need",
    (
        FormQuestion(
            "adjustments",
            "lines",
            "Adjustments at work",
            f"Such as a quiet space or written instructions. {ONE_A_LINE}",
        ),
        FormQuestion("environment", "lines", "Surroundings that suit them", ONE_A_LINE),
        FormQuestion("benefits", "lines", "Benefits they receive", f"Such as Universal Credit, PIP. {ONE_A_LINE}"),
        FormQuestion("right_to_work", "one", "May they work in the UK?", options=options(RIGHT_TO_WORK)),
    ),
)
WORDS = Step(
    "words",
    "In their own words",
    (
        FormQuestion("own_words", "long", "How do they put it?", "Write it as they say it."),
        FormQuestion("note", "long", "What do you add to it?", "Only caseworkers and managers read it.", rows=3),
        FormQuestion("agreed_by", "text", "Who agreed with them?", "Leave blank if they agreed alone."),
    ),
)
PROFILE_STEPS = (WORDS, WISHES, SKILLS, TIME, TRAVEL, NEEDS)
DETAILS_STEPS = (NAME, CONTACT, NUMBERS)
