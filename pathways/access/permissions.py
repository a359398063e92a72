"""The permissions of each role, in one table. Queries restrict the rows, and ``fields.py`` restricts the fields."""

from enum import StrEnum

from pathways.base import Role


class Permission(StrEnum):
    """What a role, or a limited key, may do: the resource, then the verb."""

    ACCESS_LOG_READ = "access_log:read"
    AGREEMENT_MAKE = "agreement:make"
    AGREEMENT_READ = "agreement:read"
    ALLOCATION_DECIDE = "allocation:decide"
    ALLOCATION_MAKE = "allocation:make"
    ALLOCATION_READ = "allocation:read"
    CLAIM_CONFIRM = "claim:confirm"
    CLAIM_MAKE = "claim:make"
    CLAIM_MOVE = "claim:move"
    CLAIM_READ = "claim:read"
    CONTACT_READ = "contact:read"
    CONTACT_RECORD = "contact:record"
    DUPLICATE_REVIEW = "duplicate:review"
    ELSEWHERE_ANSWER = "elsewhere:answer"
    ELSEWHERE_ASK = "elsewhere:ask"
    ENROLMENT_ASSIGN = "enrolment:assign"
    ENROLMENT_END = "enrolment:end"
    ENROLMENT_MAKE = "enrolment:make"
    ENROLMENT_READ = "enrolment:read"
    EVIDENCE_CHECK = "evidence:check"
    EVIDENCE_READ = "evidence:read"
    EVIDENCE_RECORD = "evidence:record"
    EXPORT_CLAIMS = "export:claims"
    EXPORT_FREEZE = "export:freeze"
    EXPORT_MAKE = "export:make"
    EXPORT_READ = "export:read"
    FIDELITY_READ = "fidelity:read"
    INTRODUCTION_MAKE = "introduction:make"
    INTRODUCTION_MOVE = "introduction:move"
    INTRODUCTION_READ = "introduction:read"
    JOBSEEKER_CHANGE = "jobseeker:change"
    JOBSEEKER_CLOSE = "jobseeker:close"
    JOBSEEKER_EXTRACT = "jobseeker:extract"
    JOBSEEKER_MERGE = "jobseeker:merge"
    JOBSEEKER_READ = "jobseeker:read"
    JOBSEEKER_VOID = "jobseeker:void"
    KEY_MAKE = "key:make"
    KEY_READ = "key:read"
    KEY_REVOKE = "key:revoke"
    MEMBER_MAKE = "member:make"
    MEMBER_READ = "member:read"
    MODEL_READ = "model:read"
    MODEL_RELEASE = "model:release"
    MODEL_TRAIN = "model:train"
    MONITORING_AGGREGATE = "monitoring:aggregate"
    MONITORING_RECORD = "monitoring:record"
    NOTICE_READ = "notice:read"
    ORGANISATION_CHANGE = "organisation:change"
    ORGANISATION_MAKE = "organisation:make"
    ORGANISATION_READ = "organisation:read"
    OUTCOME_READ = "outcome:read"
    OUTCOME_RECORD = "outcome:record"
    PERMISSION_READ = "permission:read"
    PERMISSION_RECORD = "permission:record"
    PLACEMENT_CHANGE = "placement:change"
    PLACEMENT_IMPORT = "placement:import"
    PLACEMENT_MAKE = "placement:make"
    PLACEMENT_READ = "placement:read"
    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    PROGRAMME_MAKE = "programme:make"
    PROGRAMME_READ = "programme:read"
    REFERENCE_READ = "reference:read"
    REFERRAL_ACCEPT = "referral:accept"
    REFERRAL_ACKNOWLEDGE = "referral:acknowledge"
    REFERRAL_CHANGE = "referral:change"
    REFERRAL_COUNT = "referral:count"
    REFERRAL_DECLINE = "referral:decline"
    REFERRAL_IMPORT = "referral:import"
    REFERRAL_MAKE = "referral:make"
    REFERRAL_READ = "referral:read"
    REFERRAL_WITHDRAW = "referral:withdraw"
    RESTRICTION_LIFT = "restriction:lift"
    SAFETY_READ = "safety:read"
    SAFETY_RECORD = "safety:record"
    SHORTLIST_MAKE = "shortlist:make"
    SHORTLIST_READ = "shortlist:read"
    SPELL_READ = "spell:read"
    SPELL_RECORD = "spell:record"
    SUPPORT_READ = "support:read"
    SUPPORT_RECORD = "support:record"
    UNLOCK_READ = "unlock:read"
    USER_MAKE = "user:make"
    USER_READ = "user:read"
    WEBHOOK_MAKE = "webhook:make"
    WORD_CONFIRM = "word:confirm"
    WORD_FIND = "word:find"


# Permissions that only read. A key that is issued as read only is limited to these permissions of its role.
READ_ONLY = frozenset(permission for permission in Permission if permission.value.endswith(":read"))

P = Permission

_EVERYONE = {P.NOTICE_READ, P.ORGANISATION_READ, P.PLACEMENT_READ, P.PROGRAMME_READ, P.REFERENCE_READ}

_CASEWORKER = _EVERYONE | {
    P.ALLOCATION_DECIDE,
    P.ALLOCATION_READ,
    P.CLAIM_MAKE,
    P.CLAIM_MOVE,
    P.CLAIM_READ,
    P.CONTACT_READ,
    P.CONTACT_RECORD,
    P.DUPLICATE_REVIEW,
    P.ELSEWHERE_ASK,
    P.ENROLMENT_ASSIGN,
    P.ENROLMENT_END,
    P.ENROLMENT_MAKE,
    P.ENROLMENT_READ,
    P.EVIDENCE_CHECK,
    P.EVIDENCE_READ,
    P.EVIDENCE_RECORD,
    P.INTRODUCTION_MAKE,
    P.INTRODUCTION_MOVE,
    P.INTRODUCTION_READ,
    P.JOBSEEKER_CHANGE,
    P.JOBSEEKER_CLOSE,
    P.JOBSEEKER_READ,
    P.MEMBER_READ,
    P.MODEL_READ,
    P.MONITORING_RECORD,
    P.OUTCOME_READ,
    P.OUTCOME_RECORD,
    P.PERMISSION_READ,
    P.PERMISSION_RECORD,
    P.PROFILE_READ,
    P.PROFILE_WRITE,
    P.REFERRAL_ACCEPT,
    P.REFERRAL_ACKNOWLEDGE,
    P.REFERRAL_DECLINE,
    P.REFERRAL_IMPORT,
    P.REFERRAL_MAKE,
    P.REFERRAL_READ,
    P.SAFETY_READ,
    P.SAFETY_RECORD,
    P.SHORTLIST_MAKE,
    P.SHORTLIST_READ,
    P.SPELL_READ,
    P.SPELL_RECORD,
    P.SUPPORT_READ,
    P.SUPPORT_RECORD,
    P.UNLOCK_READ,
    P.WORD_CONFIRM,
    P.WORD_FIND,
}

PERMISSIONS_OF: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(
        _EVERYONE
        | {
            P.KEY_MAKE,
            P.KEY_READ,
            P.KEY_REVOKE,
            P.MEMBER_MAKE,
            P.MEMBER_READ,
            P.ORGANISATION_CHANGE,
            P.USER_READ,
            P.WEBHOOK_MAKE,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            P.ACCESS_LOG_READ,
            P.KEY_READ,
            P.MEMBER_READ,
            P.MODEL_READ,
            P.NOTICE_READ,
            P.ORGANISATION_READ,
            P.PROGRAMME_READ,
            P.REFERENCE_READ,
        }
    ),
    Role.CASEWORKER: frozenset(_CASEWORKER),
    Role.COMMISSIONER: frozenset(
        {
            P.CLAIM_CONFIRM,
            P.CLAIM_MOVE,
            P.CLAIM_READ,
            P.EXPORT_CLAIMS,
            P.EXPORT_FREEZE,
            P.EXPORT_MAKE,
            P.EXPORT_READ,
            P.NOTICE_READ,
            P.ORGANISATION_READ,
            P.PROGRAMME_READ,
            P.REFERENCE_READ,
        }
    ),
    Role.OPERATOR: frozenset(
        _EVERYONE
        | {
            P.AGREEMENT_MAKE,
            P.AGREEMENT_READ,
            P.EXPORT_MAKE,
            P.EXPORT_READ,
            P.KEY_MAKE,
            P.KEY_READ,
            P.KEY_REVOKE,
            P.MEMBER_MAKE,
            P.MEMBER_READ,
            P.MODEL_READ,
            P.MODEL_RELEASE,
            P.MODEL_TRAIN,
            P.ORGANISATION_CHANGE,
            P.ORGANISATION_MAKE,
            P.PROGRAMME_MAKE,
            P.USER_MAKE,
            P.USER_READ,
        }
    ),
    Role.PLACEMENT_LISTER: frozenset(
        _EVERYONE
        | {
            P.INTRODUCTION_MOVE,
            P.INTRODUCTION_READ,
            P.PLACEMENT_CHANGE,
            P.PLACEMENT_IMPORT,
            P.PLACEMENT_MAKE,
            P.WORD_FIND,
        }
    ),
    Role.REFERRER: frozenset(
        {
            P.NOTICE_READ,
            P.ORGANISATION_READ,
            P.REFERENCE_READ,
            P.REFERRAL_CHANGE,
            P.REFERRAL_IMPORT,
            P.REFERRAL_MAKE,
            P.REFERRAL_READ,
            P.REFERRAL_WITHDRAW,
        }
    ),
    Role.TEAM_MANAGER: frozenset(
        _CASEWORKER
        | {
            P.ACCESS_LOG_READ,
            P.AGREEMENT_READ,
            P.ALLOCATION_MAKE,
            P.ELSEWHERE_ANSWER,
            P.FIDELITY_READ,
            P.JOBSEEKER_EXTRACT,
            P.JOBSEEKER_MERGE,
            P.JOBSEEKER_VOID,
            P.MONITORING_AGGREGATE,
            P.REFERRAL_CHANGE,
            P.REFERRAL_COUNT,
            P.REFERRAL_WITHDRAW,
            P.RESTRICTION_LIFT,
        }
    ),
}

# Roles whose members read records of people, or who read them. Nobody grants such a role to themselves.
ROLES_THAT_SEE_PEOPLE = frozenset(Role) - {Role.ADMINISTRATOR, Role.OPERATOR}
