WITH engine (vue, colonne, valeur, sens, modifie_ici_le) AS (
{engine}
),
own (vue, colonne, valeur, sens) AS (
    VALUES
        ('lecture_candidature', 'verdict', 'Éligible', 'Aucun contrôle ne s’y oppose.'),
        ('lecture_candidature', 'verdict', 'À vérifier', 'Un contrôle demande l’avis d’une personne.'),
        ('lecture_candidature', 'verdict', 'Inéligible', 'Un contrôle établit qu’une règle n’est pas respectée.'),
        ('lecture_candidature', 'verdict', 'Indéterminé', 'Une preuve n’a pas pu être consultée ; nouvel essai au prochain passage.'),
        ('lecture_candidature', 'type_administration', 'administration_centrale', 'Administration centrale.'),
        ('lecture_candidature', 'type_administration', 'operateur', 'Opérateur de l’État.'),
        ('lecture_candidature', 'type_administration', 'autre', 'Ni l’un ni l’autre.'),
        ('lecture_candidature', 'type_administration', 'inconnu', 'Non établi.'),
        {checks},
        ('lecture_etape', 'etape', 'En construction', 'Déposé ; le candidat peut encore le modifier.'),
        ('lecture_etape', 'etape', 'Correction attendue', 'Une correction est demandée au candidat.'),
        ('lecture_etape', 'etape', 'En instruction', 'À l’étude, avant le jour du jury.'),
        ('lecture_etape', 'etape', 'Jury', 'Le jour du jury est venu ; décision attendue.'),
        ('lecture_etape', 'etape', 'Accepté', 'Décision favorable ; convention à signer.'),
        ('lecture_etape', 'etape', 'Convention signée', 'Convention de partenariat signée ; candidatures à présenter.'),
        ('lecture_etape', 'etape', 'Candidatures présentées', 'Candidatures présentées à l’administration ; entretiens à tenir.'),
        ('lecture_etape', 'etape', 'Entretiens tenus', 'Entretiens conjoints tenus ; prise de poste à venir.'),
        ('lecture_etape', 'etape', 'En poste', 'La personne recrutée a pris son poste.'),
        ('lecture_etape', 'etape', 'Refusé', 'Décision défavorable.'),
        ('lecture_etape', 'etape', 'Sans suite', 'Classé sans suite par l’équipe du programme.'),
        ('lecture_suivi', 'prochaine_etape', 'Décision', 'Acceptation, refus ou classement sans suite.'),
        ('lecture_suivi', 'attend', 'usager', 'Au candidat de corriger son dossier, ou de répondre.'),
        ('lecture_suivi', 'attend', 'instructeur', 'À l’équipe du programme d’agir.'),
        ('lecture_suivi', 'attend', 'jury', 'Le jury est fixé, ou sa décision est attendue.'),
        ('lecture_suivi', 'attend', 'administration', 'À l’administration candidate, acceptée, d’agir.'),
        ('lecture_suivi', 'attend', 'personne', 'Rien n’est attendu : le parcours est terminé.'),
        ('lecture_jury_dossier', 'moment', 'dossier', 'Évaluation du dossier, avant la soutenance.'),
        ('lecture_jury_dossier', 'moment', 'soutenance', 'Réévaluation après la soutenance ; les notes du dossier ne comptent plus.'),
        ('lecture_indicateur', 'indicateur', 'jours_en_construction', 'Médiane des jours passés en construction (étapes finies des dossiers présents, comme pour les autres médianes).'),
        ('lecture_indicateur', 'indicateur', 'jours_correction', 'Médiane des jours d’attente d’une correction.'),
        ('lecture_indicateur', 'indicateur', 'jours_en_instruction', 'Médiane des jours en instruction avant le jury ou la décision.'),
        ('lecture_indicateur', 'indicateur', 'jours_jury', 'Médiane des jours du jury à la décision.'),
        ('lecture_indicateur', 'indicateur', 'jours_accepte', 'Médiane des jours de l’acceptation à l’étape suivante.'),
        ('lecture_indicateur', 'indicateur', 'jours_convention', 'Médiane des jours de la convention à l’étape suivante.'),
        ('lecture_indicateur', 'indicateur', 'jours_candidatures', 'Médiane des jours des candidatures à l’étape suivante.'),
        ('lecture_indicateur', 'indicateur', 'jours_entretiens', 'Médiane des jours des entretiens à la prise de poste.'),
        ('lecture_anomalie', 'code', 'catalogue', 'Le catalogue beta.gouv.fr publié n’est pas retenu.')
),
v (vue, colonne, valeur, sens) AS (
    SELECT * FROM own
    UNION ALL
    SELECT e.vue, e.colonne, e.valeur, e.sens FROM engine AS e
),
reprise (vue, colonne, autre_vue, autre_colonne) AS (
    VALUES
        ('lecture_candidature', 'etat', 'lecture_dossier', 'etat'),
        ('lecture_candidature', 'presence', 'lecture_dossier', 'presence'),
        ('lecture_suivi', 'etape', 'lecture_etape', 'etape'),
        ('lecture_jury_dossier', 'verdict', 'lecture_candidature', 'verdict'),
        ('lecture_jury_dossier', 'etat', 'lecture_dossier', 'etat'),
        ('lecture_jury_dossier', 'presence', 'lecture_dossier', 'presence'),
        ('lecture_statistique', 'controle', 'lecture_precontrole_controle', 'controle')
)
SELECT
    v.vue,
    v.colonne,
    v.valeur,
    v.sens,
    now() AS modifie_ici_le
FROM v
UNION ALL
-- Columns with the values of another one.
SELECT
    r.vue,
    r.colonne,
    v.valeur,
    v.sens,
    now()
FROM v
CROSS JOIN reprise AS r
WHERE r.autre_vue = v.vue AND r.autre_colonne = v.colonne
UNION ALL
SELECT 'lecture_suivi', 'prochaine_etape', v.valeur, v.sens, now()
FROM v
WHERE v.vue = 'lecture_etape'
    AND v.valeur NOT IN ('En construction', 'Correction attendue', 'Accepté', 'Refusé', 'Sans suite')
