WITH v (vue, colonne, valeur, sens) AS (
    VALUES
        ('lecture_candidature', 'etat', 'en_construction', 'Déposé ; l’usager peut encore le modifier.'),
        ('lecture_candidature', 'etat', 'en_instruction', 'À l’étude par l’administration.'),
        ('lecture_candidature', 'etat', 'accepte', 'Décision favorable.'),
        ('lecture_candidature', 'etat', 'refuse', 'Décision défavorable.'),
        ('lecture_candidature', 'etat', 'sans_suite', 'Classé sans suite par l’administration.'),
        ('lecture_candidature', 'presence', 'present', 'Visible dans la démarche.'),
        ('lecture_candidature', 'presence', 'masque', 'À la corbeille ; peut être restauré.'),
        ('lecture_candidature', 'presence', 'supprime', 'Effacé définitivement ; ses données personnelles sont effacées ici aussi.'),
        ('lecture_candidature', 'presence', 'disparu', 'Introuvable dans la démarche et dans ses listes de suppressions.'),
        ('lecture_candidature', 'verdict', 'Éligible', 'Aucun contrôle ne s’y oppose.'),
        ('lecture_candidature', 'verdict', 'À vérifier', 'Un contrôle demande l’avis d’une personne.'),
        ('lecture_candidature', 'verdict', 'Inéligible', 'Un contrôle établit qu’une règle n’est pas respectée.'),
        ('lecture_candidature', 'verdict', 'Indéterminé', 'Une preuve n’a pas pu être consultée ; nouvel essai au prochain passage.'),
        ('lecture_candidature', 'type_administration', 'administration_centrale', 'Administration centrale.'),
        ('lecture_candidature', 'type_administration', 'operateur', 'Opérateur de l’État.'),
        ('lecture_candidature', 'type_administration', 'autre', 'Ni l’un ni l’autre.'),
        ('lecture_candidature', 'type_administration', 'inconnu', 'Non établi.'),
        ('lecture_precontrole_controle', 'resultat', 'conforme', 'La règle est respectée.'),
        ('lecture_precontrole_controle', 'resultat', 'a_verifier', 'Une personne doit trancher.'),
        ('lecture_precontrole_controle', 'resultat', 'non_conforme', 'La règle n’est pas respectée.'),
        ('lecture_precontrole_controle', 'resultat', 'impossible', 'La preuve n’a pas pu être consultée.'),
        ('lecture_precontrole_controle', 'resultat', 'sans_objet', 'Le contrôle ne s’applique pas.'),
        ('lecture_decision', 'etat', 'accepte', 'Décision favorable.'),
        ('lecture_decision', 'etat', 'refuse', 'Décision défavorable.'),
        ('lecture_decision', 'etat', 'sans_suite', 'Classé sans suite par l’administration.'),
        ('lecture_etiquette', 'couleur', 'beige_gris_galet', 'Beige galet.'),
        ('lecture_etiquette', 'couleur', 'blue_ecume', 'Bleu écume.'),
        ('lecture_etiquette', 'couleur', 'brown_cafe_creme', 'Brun café crème.'),
        ('lecture_etiquette', 'couleur', 'green_bourgeon', 'Vert bourgeon.'),
        ('lecture_etiquette', 'couleur', 'green_emeraude', 'Vert émeraude.'),
        ('lecture_etiquette', 'couleur', 'green_menthe', 'Vert menthe.'),
        ('lecture_etiquette', 'couleur', 'green_tilleul_verveine', 'Vert tilleul.'),
        ('lecture_etiquette', 'couleur', 'pink_macaron', 'Rose macaron.'),
        ('lecture_etiquette', 'couleur', 'purple_glycine', 'Violet glycine.'),
        ('lecture_etiquette', 'couleur', 'yellow_tournesol', 'Jaune tournesol.'),
        ('lecture_etape', 'etape', 'En construction', 'Déposé ; l’usager peut encore le modifier.'),
        ('lecture_etape', 'etape', 'Correction attendue', 'Une correction est demandée à l’usager.'),
        ('lecture_etape', 'etape', 'En instruction', 'À l’étude, avant le jour du jury.'),
        ('lecture_etape', 'etape', 'Jury', 'Le jour du jury est venu ; décision attendue.'),
        ('lecture_etape', 'etape', 'Accepté', 'Décision favorable ; convention à signer.'),
        ('lecture_etape', 'etape', 'Convention signée', 'Convention de partenariat signée ; candidatures à présenter.'),
        ('lecture_etape', 'etape', 'Candidatures présentées', 'Candidatures présentées à l’administration ; entretiens à tenir.'),
        ('lecture_etape', 'etape', 'Entretiens tenus', 'Entretiens conjoints tenus ; prise de poste à venir.'),
        ('lecture_etape', 'etape', 'En poste', 'La personne recrutée a pris son poste.'),
        ('lecture_etape', 'etape', 'Refusé', 'Décision défavorable.'),
        ('lecture_etape', 'etape', 'Sans suite', 'Classé sans suite par l’administration.'),
        ('lecture_suivi', 'prochaine_etape', 'Décision', 'Acceptation, refus ou classement sans suite.'),
        ('lecture_suivi', 'attend', 'usager', 'À l’usager de corriger son dossier.'),
        ('lecture_suivi', 'attend', 'instructeur', 'À l’équipe du programme d’agir.'),
        ('lecture_suivi', 'attend', 'jury', 'Le jury est fixé, ou sa décision est attendue.'),
        ('lecture_suivi', 'attend', 'administration', 'À l’administration lauréate d’agir.'),
        ('lecture_suivi', 'attend', 'personne', 'Rien n’est attendu : le parcours est terminé.'),
        ('lecture_annotation', 'statut', 'en_attente', 'À envoyer.'),
        ('lecture_annotation', 'statut', 'confirmee', 'Inscrite dans Démarches Simplifiées.'),
        ('lecture_annotation', 'statut', 'refusee', 'Refusée par Démarches Simplifiées.'),
        ('lecture_annotation', 'statut', 'conflit', 'Une personne a écrit autre chose : sa valeur reste.'),
        ('lecture_annotation', 'statut', 'incertaine', 'Envoyée, réponse perdue ; relue avant tout nouvel envoi.'),
        ('lecture_annotation', 'statut', 'remplacee', 'Remplacée par une valeur plus récente ou par une personne.'),
        ('lecture_annotation', 'statut', 'suspendue', 'Pré-contrôle repris à son compte par une instructrice ou un instructeur.'),
        ('lecture_champ', 'origine', 'champ', 'Formulaire de l’usager.'),
        ('lecture_champ', 'origine', 'annotation', 'Annotation privée de l’administration.'),
        ('lecture_synchronisation', 'genre', 'incremental', 'Lecture de ce qui a changé.'),
        ('lecture_synchronisation', 'genre', 'complet', 'Lecture de tous les dossiers.'),
        ('lecture_synchronisation', 'genre', 'dossier', 'Lecture de dossiers désignés.'),
        ('lecture_synchronisation', 'genre', 'envoi', 'Envoi des annotations seules.'),
        ('lecture_synchronisation', 'genre', 'precontrole', 'Pré-contrôle seul, sur demande.'),
        ('lecture_synchronisation', 'statut', 'running', 'En cours.'),
        ('lecture_synchronisation', 'statut', 'success', 'Terminé sans incident.'),
        ('lecture_synchronisation', 'statut', 'partial', 'Terminé, avec un point à regarder.'),
        ('lecture_synchronisation', 'statut', 'failed', 'Arrêté par une erreur ; le passage suivant reprend.'),
        ('lecture_synchronisation', 'statut', 'interrupted', 'Le processus s’est arrêté avant la fin ; le passage suivant reprend.')
)
SELECT
    v.vue,
    v.colonne,
    v.valeur,
    v.sens
FROM v
UNION ALL
-- The stages are the values of three columns.
SELECT
    'lecture_suivi' AS vue,
    c.colonne,
    v.valeur,
    v.sens
FROM v
CROSS JOIN (SELECT 'etape' AS colonne UNION ALL SELECT 'prochaine_etape') AS c
WHERE v.vue = 'lecture_etape'
    AND (
        c.colonne = 'etape'
        OR v.valeur NOT IN ('En construction', 'Correction attendue', 'Accepté', 'Refusé', 'Sans suite')
    )
