"""The types of descriptors, by the value of ``TypeDeChamp`` that a form uses."""

from __future__ import annotations

_IRREGULAR = {
    "cojo": "COJOChampDescriptor",
    "communes": "CommuneChampDescriptor",
    "departements": "DepartementChampDescriptor",
    "regions": "RegionChampDescriptor",
    "rna": "RNAChampDescriptor",
    "rnf": "RNFChampDescriptor",
}
# fmt: off
_REGULAR = (
    "address", "annuaire_education", "carte", "checkbox", "civilite", "cnaf", "date", "datetime",
    "decimal_number", "dgfip", "dossier_link", "drop_down_list", "email", "engagement_juridique",
    "epci", "explication", "formatted", "header_section", "iban", "integer_number",
    "linked_drop_down_list", "mesri", "multiple_drop_down_list", "number", "pays", "phone",
    "piece_justificative", "pole_emploi", "referentiel", "repetition", "siret", "text", "textarea",
    "titre_identite", "yes_no",
)
# fmt: on


def descriptor_typename(type_: str) -> str:
    """Return the GraphQL type of a descriptor; one that the schema lacks is a text's.

    So a form may have types of a newer platform, whose schema the sandbox does not serve.
    """
    if type_ not in _IRREGULAR and type_ not in _REGULAR:
        return "TextChampDescriptor"
    camel = "".join(word.capitalize() for word in type_.split("_"))
    return _IRREGULAR.get(type_, f"{camel}ChampDescriptor")


DESCRIPTOR_TYPES = [descriptor_typename(type_) for type_ in (*_IRREGULAR, *_REGULAR)]
